import type { Hold } from '../holds/hold.js';
import { SharedHold } from '../holds/shared-hold.js';
import { mayShare, takeOf, type WaitRequest } from './waiter.js';
import type { Waiters } from './waiters.js';

/** How many loops acquire permits of one semaphore at a time, at most. */
const MAX_LOOPS = 32;
/** The most tokens that a hold of a semaphore reserves: many holds of one name are acquired at a time. */
const MAX_SEMAPHORE_TOKENS = 16;

/** What the rules of a kind depend on: the state of one local queue. */
export interface QueueState {
  readonly waiters: Waiters;
  /** How many holds callers use, or are on the way to the next caller; and the one that was granted last. */
  readonly inUse: number;
  readonly hold: Hold | null;
  /** How many releases are in flight. */
  readonly releasing: number;
  /** How many loops may run at a time. */
  readonly maxLoops: number;
}

/** The rules of one kind of lock for its local queues. */
export interface QueueRules {
  /** What callers wait for, if it is no lock. */
  readonly of: 'semaphore' | 'latch' | undefined;
  /** How many loops may run at a time. */
  readonly maxLoops: number;
  /** The most tokens that a hold reserves, for the callers that it is handed over to. */
  readonly maxTokens: number;
  /** Whether a process that has released a lock yields to others, see `Turn`. */
  readonly takesTurns: boolean;
  /** Whether a caller that does not wait is refused, since it would have to wait for other callers of this process. */
  hasToWait(request: WaitRequest, queue: QueueState): boolean;
  /** Whether each caller has a queue of its own, since the store keeps the order of all callers. */
  readonly perCaller: boolean;
  /** Whether callers of this process use a hold together. */
  readonly shares: boolean;
  /** Whether the store keeps the order of the waiters, so that the next one asks before this process releases the lock. */
  readonly asksBeforeRelease: boolean;
  /** Whether an acquisition may begin now. */
  mayAcquire(queue: QueueState): boolean;
  /** Whether a hold may go to a caller, whose request may not be the one that it was acquired for. */
  mayServe(hold: Hold, next: WaitRequest): boolean;
}

/** One hold at a time. It passes from caller to caller. */
export const EXCLUSIVE: QueueRules = {
  of: undefined,
  maxLoops: 1,
  maxTokens: Infinity,
  takesTurns: true,
  perCaller: false,
  shares: false,
  asksBeforeRelease: false,
  hasToWait: () => true,
  mayAcquire: ({ inUse, releasing }) => inUse + releasing === 0,
  mayServe: () => true,
};

/** The store keeps the order of all callers. */
export const FAIR: QueueRules = { ...EXCLUSIVE, maxTokens: 1, takesTurns: false, perCaller: true };

/** Several holds at a time, each of one permit or more. It passes to a caller that takes as many. */
export const SEMAPHORE: QueueRules = {
  of: 'semaphore',
  maxLoops: MAX_LOOPS,
  maxTokens: MAX_SEMAPHORE_TOKENS,
  takesTurns: false,
  perCaller: false,
  shares: false,
  asksBeforeRelease: false,
  hasToWait: (_request, { waiters, maxLoops }) =>
    (maxLoops === 1 && waiters.size > 0) || (waiters.holderStatus.trouble !== null && waiters.size + waiters.loops > 0),
  mayAcquire: () => true,
  mayServe: (hold, next) => takeOf(next) === takeOf(hold),
};

/**
 * One hold of all callers that read, see `Sharing`, or one of a caller that writes, which passes from caller to caller. A
 * caller that reads may have a hold of its own, beside the others.
 */
export const READ_WRITE: QueueRules = {
  of: undefined,
  maxLoops: 1,
  maxTokens: Infinity,
  takesTurns: false,
  perCaller: false,
  shares: true,
  asksBeforeRelease: true,
  hasToWait: ({ mode }, { hold, waiters }) =>
    mode === 'write' ||
    hold?.mode === 'write' ||
    waiters.writers > 0 ||
    (waiters.size > 0 && waiters.asleep) ||
    (waiters.holderStatus.trouble !== null && waiters.size + waiters.loops > 0),
  mayAcquire: ({ hold }) => hold?.mode !== 'write',
  mayServe: (hold, next) => hold.mode === next.mode && hold instanceof SharedHold === mayShare(next),
};

/** Nothing is held: the callers wait together until the latch is open. */
export const LATCH: QueueRules = {
  of: 'latch',
  maxLoops: 1,
  maxTokens: 1,
  takesTurns: false,
  perCaller: false,
  shares: false,
  asksBeforeRelease: false,
  hasToWait: (_request, { waiters }) => waiters.holderStatus.saysBusy,
  mayAcquire: () => true,
  mayServe: () => true,
};
