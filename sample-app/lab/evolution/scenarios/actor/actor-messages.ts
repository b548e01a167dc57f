import type { SystemName } from '../../systems.js';

/** An instruction to an actor. */
export type Order =
  | ({ readonly type: 'open' } & ActorPart)
  /** Ask for the lock. */
  | { readonly type: 'call' }
  /** End the work, after a write to the guarded value if `write`. */
  | { readonly type: 'go'; readonly write: boolean }
  | { readonly type: 'close' };

/** The part of an actor in one cell. */
export interface ActorPart {
  /** What it is called in this cell: `A`, `B` … */
  readonly caller: string;
  readonly system: SystemName;
  /** The Redis servers the lock uses. Most systems use one. */
  readonly nodes: readonly string[];
  /** Put before every key. */
  readonly prefix: string;
  /** The Redis of the witness, the cache and the guarded value. */
  readonly witness: string;
  readonly leaseMs: number;
  readonly pauseMs: number;
  readonly patienceMs: number;
  /** How many replicas must have the lock, for systems that check it. 0: there are no replicas. */
  readonly replicas: number;
}

/** A report of an actor. */
export type Report =
  | { readonly type: 'ready' | 'opened' | 'closed' }
  /** It runs under the lock now. */
  | { readonly type: 'inside'; readonly token: number | null }
  /** The call has ended. `error`: the error that the lock threw. */
  | {
      readonly type: 'done';
      readonly error: string | null;
      readonly write: WriteOutcome | null;
      readonly told: boolean;
    }
  | { readonly type: 'broken'; readonly message: string };

export type WriteOutcome = 'written' | 'refused';
