import type { FencingToken } from '../fencing-token.js';
import type { LockHolder } from '../lock-holder.js';
import type { LockError, LockLostReason } from '../errors/index.js';

/**
 * What a message is about: how a lock is taken, or a semaphore, or a latch.
 *
 * @publicApi
 */
export type MessageMode = 'exclusive' | 'fair' | 'read' | 'write' | 'semaphore' | 'latch';

/** The lock, semaphore or latch that a message is about, and the call. */
export interface CallMessage {
  readonly name: string;
  /** What such calls have in common: the option `label`, or a decorator's template. Names, unlike labels, are unbounded. */
  readonly label: string | undefined;
  readonly mode: MessageMode;
}

/** A lock was granted. A nested call that joins the lease it runs under is not reported. */
export interface AcquiredMessage extends CallMessage {
  /** The fencing token. */
  readonly token: FencingToken;
  /** How long the caller waited, in ms. */
  readonly waitedMs: number;
  /** The length of the lease, in ms. */
  readonly leaseMs: number;
  /** How long the lock can be relied on unless it is renewed, in whole ms, rounded down: less after a hand-over. */
  readonly remainingMs: number;
  /** Whether the previous caller in this process handed the lock over, without a release in Redis. */
  readonly handedOver: boolean;
}

/**
 * A lease now lasts `leaseMs`: it was renewed or extended, or renewed for the next caller in this process. Callers of this
 * process that read share a lease: `label` is that of one of them.
 */
export interface RenewedMessage extends CallMessage {
  readonly token: FencingToken;
  readonly leaseMs: number;
}

/** A held lock was renewed when less than a third of its lease was left: it was close to being lost. */
export interface RenewedLateMessage extends CallMessage {
  readonly token: FencingToken;
  /** The length of the lease, in ms. */
  readonly leaseMs: number;
  /** How much of it was left before the renewal, in whole ms, rounded down. */
  readonly remainingMs: number;
}

/** A renewal failed, or had no reply in time. It is repeated until the lease ends. */
export interface RenewalFailedMessage extends CallMessage {
  readonly token: FencingToken;
  /** How much of the lease is left, in whole ms, rounded down. */
  readonly remainingMs: number;
  readonly error: unknown;
}

/** A lock was released; `outcome` is `lost` if it was no longer held. */
export interface ReleasedMessage extends CallMessage {
  readonly token: FencingToken;
  readonly outcome: 'released' | 'lost' | 'unconfirmed';
  /** How long the caller held it, in ms. */
  readonly heldMs: number;
}

/** A lock was lost while it was held: its lease expired, or another owner has the lock. */
export interface LostMessage extends CallMessage {
  readonly token: FencingToken;
  readonly reason: LockLostReason;
}

/** A caller did not get the lock; `error.code` gives the reason. */
export interface RefusedMessage extends CallMessage {
  readonly waitedMs: number;
  readonly error: LockError;
}

/**
 * A waiter got its lock by the check that it makes every few seconds: no notification of the release had arrived. It is late
 * or lost, or another program deleted the lock.
 */
export interface NotifiedLateMessage extends CallMessage {
  /** How long the caller waited, in ms. */
  readonly waitedMs: number;
}

/**
 * A decorated method with `onBusy: 'skip'` did not run, since its lock was taken (`busy`), or a call of a job that runs once
 * did not: another call of the same firing ran it (`ran`), or an earlier firing still runs (`running`).
 */
export interface SkippedMessage extends CallMessage {
  readonly reason: 'busy' | 'ran' | 'running';
}

/** A lease was held, or a caller waited, for longer than `warnAfter`. Each is reported once, while it lasts. */
export interface SlowMessage extends CallMessage {
  readonly reason: 'held' | 'waited';
  /** For how long so far, in ms. */
  readonly ms: number;
  /** The process that the caller waits for, if it is known. */
  readonly holder: LockHolder | undefined;
}

/** A lease became unreachable without a release, and was released. */
export interface AbandonedMessage extends CallMessage {
  readonly token: FencingToken;
  /** The place in the code that acquired it: a function and its file, line and column. */
  readonly site: string;
}

/** A process became the leader (`LeaderElection`). */
export interface ElectedMessage extends Omit<CallMessage, 'mode'> {
  /** The fencing token of the term. */
  readonly token: FencingToken;
}

/** The code of a term still runs although the term's signal has aborted: it ignores the signal, or takes long to end. */
export interface TermOverdueMessage extends Omit<CallMessage, 'mode'> {
  readonly token: FencingToken;
  /** How long ago the signal aborted, in ms. */
  readonly overdueMs: number;
}

/**
 * Why a term ended.
 *
 * - `lost`: its lock was lost, or may be lost soon: another process can be the leader now.
 * - `resigned`: the caller's signal aborted, or the service shuts down.
 * - `returned`: its code returned before its signal aborted.
 * - `failed`: its code failed before its signal aborted.
 */
export type TermEndReason = 'lost' | 'resigned' | 'returned' | 'failed';

/** A term ended: its code no longer runs. */
export interface TermEndedMessage extends Omit<CallMessage, 'mode'> {
  readonly token: FencingToken;
  readonly reason: TermEndReason;
  /** How long its code ran, in ms. */
  readonly ledMs: number;
  /** The error of its code, if it failed. */
  readonly error?: unknown;
}
