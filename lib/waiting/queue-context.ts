import type { HoldKeeper } from '../holds/hold.js';
import type { LockStore } from '../stores/lock-store.js';
import type { CleanUps } from '../stores/clean-ups.js';
import type { Deadlines } from '../time/deadlines.js';
import type { OpenWork } from './open-work.js';
import type { Turns } from './turn.js';

export interface QueueLimits {
  /** How many callers may wait for one name. */
  readonly maxWaiting: number;
  /** How long a process passes a lock on among its own callers before it releases the lock for other processes, in ms. */
  readonly handOverTime: number;
  /** How many of its callers it serves in that time at most. */
  readonly handOverCount: number;
}

/** What the local queues of one service share. */
export interface QueueContext {
  readonly store: LockStore;
  readonly keeper: HoldKeeper;
  readonly cleanUps: CleanUps;
  readonly timeouts: Deadlines;
  readonly limits: QueueLimits;
  readonly turns: Turns;
  nextOwner(): string;
  /** What goes on by itself, and that a shutdown has to wait for. */
  readonly work: OpenWork;
  /** The queue has nothing left to do, is like a new one, and may be dropped. */
  onIdle(name: string): void;
}
