import type { SystemName } from '../../systems.js';

/** What an actor is told. */
export type Order =
  | ({ readonly type: 'open' } & ActorPart)
  /** Ask for the lock. */
  | { readonly type: 'call' }
  /** End the work, after a write to the guarded value if `write`. */
  | { readonly type: 'go'; readonly write: boolean }
  | { readonly type: 'close' };

/** What an actor plays in one cell. */
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
  /** How many replicas have to have the lock, for systems that ask them. 0: there are none. */
  readonly replicas: number;
}

/** What an actor tells. */
export type Report =
  | { readonly type: 'ready' | 'opened' | 'closed' }
  /** It runs under the lock now. */
  | { readonly type: 'inside'; readonly token: number | null }
  /** It has been through with it. `error`: what the lock threw. */
  | {
      readonly type: 'done';
      readonly error: string | null;
      readonly write: WriteOutcome | null;
      readonly told: boolean;
    }
  | { readonly type: 'broken'; readonly message: string };

export type WriteOutcome = 'written' | 'refused';
