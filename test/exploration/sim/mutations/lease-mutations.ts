import type { Hold } from '../../../../lib/holds/hold.js';
import type { Watchdog } from '../../../../lib/holds/watchdog.js';
import type { InFlightRequest } from '../../../../lib/stores/redis/scripts/in-flight-request.js';
import type { elapsedSince } from '../../../../lib/time/instant.js';
import type { isValid, validityOf } from '../../../../lib/time/validity.js';
import { replace } from '../library/replacement.js';
import { ISOLATED_HOLDER, LATE_GRANT, SLEEPING_HOLDER, SLOW_GRANT } from './lease-schedules.js';
import { ALL, QUORUM, SINGLE, type ListedMutation } from './mutation.js';

const VALIDITY = 'time/validity';
const WATCHDOG = 'holds/watchdog';

/** Faults in how a process counts its leases, and in the tokens that belong to them. */
export const LEASE_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'a late grant counts',
    nodes: ALL,
    replacements: [replace<typeof isValid>(VALIDITY, 'isValid', () => () => true)],
    examples: LATE_GRANT,
  },
  {
    name: 'the deadline counts from the reply',
    nodes: SINGLE,
    replacements: [
      replace<InFlightRequest['onReply'], InFlightRequest>(
        'stores/redis/scripts/in-flight-request',
        'InFlightRequest.onReply',
        (onReply, now) => {
          return function (value) {
            Object.assign(this, { sentAt: now() } satisfies Partial<InFlightRequest>);
            onReply.call(this, value);
          };
        },
      ),
    ],
    examples: SLOW_GRANT,
  },
  {
    name: 'no allowance for drift',
    nodes: ALL,
    replacements: [replace<typeof validityOf>(VALIDITY, 'validityOf', () => (leaseMs) => leaseMs)],
  },
  {
    name: 'leases on the monotonic clock only',
    nodes: ALL,
    replacements: [
      replace<typeof elapsedSince>('time/instant', 'elapsedSince', (_, now) => (then) => now().mono - then.mono),
    ],
    examples: [SLEEPING_HOLDER],
  },
  {
    name: 'no signal at the deadline',
    nodes: ALL,
    replacements: [
      replace<Watchdog['lose'], Watchdog>(WATCHDOG, 'Watchdog.lose', (lose) => {
        return function (hold, reason) {
          if (reason !== 'expired') lose.call(this, hold, reason);
        };
      }),
    ],
  },
  {
    name: 'a failed renewal counts',
    nodes: ALL,
    replacements: [
      replace<Watchdog['onRenewalFailed']>(WATCHDOG, 'Watchdog.onRenewalFailed', (_, now) => (hold) => {
        hold.confirm(now(), hold.leaseMs, hold.changes);
      }),
    ],
    examples: [ISOLATED_HOLDER],
  },
  {
    name: 'more tokens than were reserved',
    nodes: QUORUM,
    replacements: [replace<Hold['hasNextToken']>('holds/hold', 'Hold.hasNextToken', () => () => true)],
  },
];
