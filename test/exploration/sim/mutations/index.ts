import { FAIR_MUTATIONS } from './fair-mutations.js';
import { LATCH_MUTATIONS } from './latch-mutations.js';
import { LEASE_MUTATIONS } from './lease-mutations.js';
import { MEMORY_MUTATIONS } from './memory-mutations.js';
import type { ListedMutation } from './mutation.js';
import { NODE_MUTATIONS } from './node-mutations.js';
import { PERMIT_MUTATIONS } from './permit-mutations.js';
import { READ_WRITE_MUTATIONS } from './read-write-mutations.js';
import { REQUEST_MUTATIONS } from './request-mutations.js';
import { SCRIPT_MUTATIONS } from './script-mutations.js';
import { VOTE_MUTATIONS } from './vote-mutations.js';
import { WAITING_MUTATIONS } from './waiting-mutations.js';

export type { ListedMutation } from './mutation.js';

/** By what they change. */
export const MUTATION_GROUPS: Readonly<Record<string, readonly ListedMutation[]>> = {
  'scripts of exclusive locks': SCRIPT_MUTATIONS,
  'local queue and notifications': WAITING_MUTATIONS,
  leases: LEASE_MUTATIONS,
  requests: REQUEST_MUTATIONS,
  'votes of a quorum': VOTE_MUTATIONS,
  'nodes of a quorum': NODE_MUTATIONS,
  'memory store': MEMORY_MUTATIONS,
  semaphores: PERMIT_MUTATIONS,
  'read-write locks': READ_WRITE_MUTATIONS,
  'fair locks': FAIR_MUTATIONS,
  latches: LATCH_MUTATIONS,
};

export const MUTATIONS: readonly ListedMutation[] = Object.values(MUTATION_GROUPS).flat();
