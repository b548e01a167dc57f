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

export const MUTATIONS: readonly ListedMutation[] = [
  ...SCRIPT_MUTATIONS,
  ...WAITING_MUTATIONS,
  ...LEASE_MUTATIONS,
  ...REQUEST_MUTATIONS,
  ...VOTE_MUTATIONS,
  ...NODE_MUTATIONS,
  ...MEMORY_MUTATIONS,
  ...PERMIT_MUTATIONS,
  ...READ_WRITE_MUTATIONS,
  ...FAIR_MUTATIONS,
  ...LATCH_MUTATIONS,
];
