import type { Kind } from '../kind.js';
import type { Mutation } from '../library/loader.js';
import type { ScriptModel } from '../redis/script-model.js';
import type { Schedule } from '../schedule.js';

/** A fault put into the protocol on purpose. At least one schedule has to show it. */
export interface ListedMutation extends Mutation {
  /** On how many nodes (0: in memory) it has to be noticed. */
  readonly nodes: readonly number[];
  /** How many permits the semaphore has that is used in place of a lock. Default: a lock is used. */
  readonly permits?: number;
  /** What is used in place of a lock, see `Kind`. Default: a lock is used. */
  readonly mode?: NonNullable<Kind['mode']>;
  /** What scripts do on the servers instead. */
  readonly models?: Readonly<Record<string, ScriptModel>>;
  /** Schedules that are tried first, where random ones would take long to show it. */
  readonly examples?: readonly Schedule[];
  /** Whether random schedules have nodes that are away. */
  readonly away?: boolean;
}

/** The memory store: no nodes. */
export const MEMORY = [0];
export const SINGLE = [1];
export const QUORUM = [3, 5];
export const ALL = [1, 3, 5];
