import type { FencingToken } from '../fencing-token.js';
import type { LockHolder } from '../lock-holder.js';

/**
 * How a lock is taken: by one caller at a time (`exclusive`, or `fair` in the order of the requests), or as a read-write lock, by
 * any number of callers that read, or by one that writes.
 *
 * @publicApi
 */
export type LockMode = 'exclusive' | 'fair' | 'read' | 'write';

/** The state of a lock in the store. */
export interface LockState {
  readonly held: boolean;
  /** `exclusive` for `fair`, too, which only differs while callers wait. `undefined` when the lock is free. */
  readonly mode: Exclude<LockMode, 'fair'> | undefined;
  /**
   * The owner: `<service uuid>:<number>`, or of a Java holder `<client uuid>:<thread id>`, with `:write` at the end if it writes;
   * of several readers, one of them. `undefined` when the lock is free.
   */
  readonly owner: string | undefined;
  /**
   * How many times the holder has acquired the lock (more than 1 only for a Java holder), or how many processes and Java
   * threads read; 0 when it is free.
   */
  readonly holds: number;
  /** The remaining time of the lease, in ms; `undefined` when the lock is free or has no lease. */
  readonly remainingMs: number | undefined;
  /** The last fencing token issued or reserved under this name; `undefined` if none is known. */
  readonly token: FencingToken | undefined;
  /** The process that holds it, as far as it is known: not that of a Java holder. Of several readers, that of `owner`. */
  readonly holder: LockHolder | undefined;
}

/** @internal What a store knows of a lock. */
export type StoredLock = Omit<LockState, 'holder'>;

/** The permits of a semaphore in the store. */
export interface PermitState {
  /** How many permits there are; `undefined` if the semaphore was never used. */
  readonly permits: number | undefined;
  /** How many of them are taken. */
  readonly held: number;
}

/**
 * The state of one of several servers.
 *
 * - `ready`: it serves requests, and a quorum node votes.
 * - `waiting`: it may have lost its state, and does not vote for `readyInMs` more.
 * - `unreachable`: there is no connection, or it does not reply.
 * - `refused`: it cannot serve locks until its configuration, or that of this service, is changed.
 */
export type StoreNodeState = 'ready' | 'waiting' | 'unreachable' | 'refused';

/**
 * One of several servers that keep the locks: a node of a quorum, or a master of a cluster.
 *
 * @publicApi
 */
export interface StoreNode {
  /** Its address, without a password. */
  readonly name: string;
  readonly state: StoreNodeState;
  /** Why it is not `ready`. */
  readonly reason?: string;
  /** For how long it is `waiting`, in ms, as far as that is known. */
  readonly readyInMs?: number;
  /**
   * How many locks of this service a quorum node is not known to store; left out if there are none. Each is written to
   * the node when it is renewed while the node is `ready`.
   */
  readonly missingLocks?: number;
}
