import type { FencingToken } from '../fencing-token.js';
/** What a store knows about a lock. */
export interface LockState {
  readonly held: boolean;
  /** The holder's owner field, `<client uuid>:<hold id>`; `undefined` when the lock is free. */
  readonly owner: string | undefined;
  /** How often the holder took it (a Java holder may count above 1); 0 when it is free. */
  readonly holds: number;
  /** How long the lease still runs, in ms; `undefined` when the lock is free or has no lease. */
  readonly remainingMs: number | undefined;
  /** The last fencing token issued or reserved under this name; `undefined` where none is known. */
  readonly token: FencingToken | undefined;
}

/**
 * How one of several servers is used now.
 *
 * - `ready`: it serves requests; a quorum node has its vote.
 * - `waiting`: it may have lost its state, and has no vote for `readyInMs` more.
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
   * How many locks this service holds that a quorum node is not known to keep, if there are any. Each is written to the
   * node when it is renewed while the node is `ready`.
   */
  readonly missingLocks?: number;
}
