import { acquire, confirm, grant, release, renew } from '../redis/script-models.js';
import {
  acquireByCounter,
  acquireOnce,
  always,
  grantAnyToken,
  markAnyProcess,
  quiet,
  releaseUnchecked,
  renewUnnumbered,
  withoutMarker,
} from './faulty-scripts.js';
import { ALL, QUORUM, SINGLE, type ListedMutation } from './mutation.js';
import { FAILED_OVER, FAST_CLOCK, FLUSHED_NODES } from './node-schedules.js';
import { LATE_SHORT_ACQUIRE, LATE_SHORTENING } from './script-schedules.js';

/** Faults in what the scripts do on the servers. */
export const SCRIPT_MUTATIONS: readonly ListedMutation[] = [
  { name: 'no compare in release', nodes: ALL, models: { RELEASE: releaseUnchecked } },
  { name: 'no notification on release', nodes: ALL, models: { RELEASE: quiet(release) } },
  { name: 'tokens from the counter only', nodes: SINGLE, models: { ACQUIRE: acquireByCounter } },
  { name: 'a resent acquire finds the lock taken by itself', nodes: SINGLE, models: { ACQUIRE: acquireOnce } },
  {
    name: 'a late renewal makes the lease shorter',
    nodes: SINGLE,
    models: { RENEW: always(renew) },
    examples: LATE_SHORTENING,
  },
  {
    name: 'a late renewal makes the lease shorter on two nodes',
    nodes: [3],
    models: { RENEW: always(renew) },
  },
  {
    name: 'a late acquire makes the lease shorter',
    nodes: SINGLE,
    models: { ACQUIRE: always(acquire) },
    examples: LATE_SHORT_ACQUIRE,
  },
  {
    name: 'a late request for a length counts',
    nodes: SINGLE,
    models: { RENEW: renewUnnumbered },
    examples: LATE_SHORTENING,
  },
  {
    name: 'a token is taken from any clock',
    nodes: QUORUM,
    models: { GRANT: grantAnyToken },
    examples: [FAST_CLOCK],
  },
  {
    name: 'a vote without a look at the marker',
    nodes: QUORUM,
    models: { GRANT: withoutMarker(grant), CONFIRM: withoutMarker(confirm) },
    examples: FLUSHED_NODES,
  },
  {
    name: 'a marker of another server process counts',
    nodes: QUORUM,
    models: { MARK: markAnyProcess },
    examples: FAILED_OVER,
  },
];
