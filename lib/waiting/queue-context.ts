import type { BusyRefusals } from '../holders/busy-refusals.js';
import type { HoldKeeper } from '../holds/hold.js';
import type { KindStore } from '../stores/lock-store.js';
import type { CleanUps } from '../stores/clean-ups.js';
import type { Deadlines } from '../time/deadlines.js';
import type { OpenWork } from './open-work.js';
import type { QueueRules } from './queue-rules.js';
import type { Turns } from './turn.js';
import type { WaitRequest } from './waiter.js';

export interface QueueLimits {
  /** How many callers may wait for one lock. */
  readonly maxWaiting: number;
  /** How long a process may hand a lock over to its own callers before it releases it, in ms. */
  readonly handOverTime: number;
  /** How many of its own callers a process serves at most in that time. */
  readonly handOverCount: number;
}

/** The objects that the local queues of one service share. */
export interface QueueContext {
  readonly store: KindStore;
  readonly keeper: HoldKeeper;
  readonly cleanUps: CleanUps;
  readonly timeouts: Deadlines;
  readonly limits: QueueLimits;
  readonly turns: Turns;
  readonly rules: QueueRules;
  /** Says who holds a lock that a caller did not get. */
  readonly refusals: BusyRefusals | undefined;
  /** A new owner, for what is requested. */
  readonly nextOwner: (request: WaitRequest) => string;
  /** The background operations that a shutdown waits for. */
  readonly work: OpenWork;
  /** How many callers wait for the lock in other queues of this name. */
  waitingApart(name: string): number;
  /** Called when a queue has become idle: it may be deleted. */
  onIdle(key: string): void;
}
