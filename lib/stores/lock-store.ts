import type { FencingToken } from '../fencing-token.js';
import type { Instant } from '../time/instant.js';
import type { FiringStore } from './firing-store.js';
import type { LockState, StoreNode } from './lock-state.js';

/** The owners that compete for a lock, and when each was first seen, on the monotonic clock. */
export type Rivals = ReadonlyMap<string, number>;

/** The result of an attempt to take a lock. */
export type AcquireReply =
  | {
      readonly taken: true;
      /** The first of the fencing tokens reserved by this acquisition. */
      readonly token: FencingToken;
      /** When the request was sent: leases are counted from here. */
      readonly sentAt: Instant;
      /** The owner for renewals and the release, if it is not the requested one. */
      readonly owner?: string;
    }
  | {
      readonly taken: false;
      /** The remaining time of the holder's lease, in ms; `undefined` if it has none. */
      readonly remainingMs: number | undefined;
      /**
       * Set if no contender has a majority of the nodes: each retries after a random pause of about this length, in ms.
       */
      readonly pauseMs?: number;
      /**
       * The owners that had votes on some of several nodes. Pass it to the next attempt: it shows how long they have
       * kept their votes.
       */
      readonly rivals?: Rivals;
    };

export interface RenewReply {
  /** `false`: this owner is no longer the holder. */
  readonly held: boolean;
  readonly sentAt: Instant;
}

export interface ReleaseReply {
  /** `false`: the lock was lost before, and is free or held by another owner. */
  readonly held: boolean;
  /** How many subscribers of other processes received the notification, as far as the store knows. */
  readonly listeners: number;
}

/** Receives a notification when a lock is released. A notification is only a hint to try again. */
export interface NotificationSubscription {
  /** Whether notifications arrive now. */
  readonly active: boolean;
  /** Resolves once notifications arrive; rejects with `LockUnavailableError` if the subscription fails. */
  activate(): Promise<void>;
  close(): void;
}

/**
 * Stores the state of locks. One request is one attempt: waiting, renewal and fairness belong to the layers above.
 *
 * Every method rejects with `LockUnavailableError` within a bounded time if the store cannot be reached or refuses the
 * request. Names are without the key prefix.
 */
export interface LockStore {
  /**
   * Connects to the store and tests every permission that locks need; rejects if that takes longer than `timeoutMs`.
   */
  connect(timeoutMs: number): Promise<void>;

  /**
   * Takes a free lock for `owner`. Idempotent: if the owner already holds the lock, its lease is refreshed and it gets
   * the same token, so a request may be sent twice.
   *
   * @param tokens how many consecutive fencing tokens to reserve
   * @param minReplicas how many replicas must acknowledge the write; with fewer the lock is released and the call
   *   rejects
   * @param rivals the `rivals` of the reply to the previous attempt
   */
  acquire(
    name: string,
    owner: string,
    leaseMs: number,
    tokens: number,
    minReplicas: number,
    rivals?: Rivals,
  ): Promise<AcquireReply>;

  /**
   * Makes the holder's lease last at least `leaseMs` from now, or exactly that long with `exact`.
   *
   * Requests may arrive in another order than they were sent. One with `exact` makes a lease shorter only if no request
   * with the same or a larger number has arrived before it.
   *
   * @param minReplicas how many replicas must acknowledge the write; with fewer the call rejects, but has been executed
   * @param number how many requests with `exact` were sent for this owner, including this one. Default 0
   */
  renew(
    name: string,
    owner: string,
    leaseMs: number,
    minReplicas: number,
    number?: number,
    exact?: boolean,
  ): Promise<RenewReply>;

  /**
   * Releases the lock and notifies its waiters. Idempotent.
   *
   * @param keepMs if above 0, the lock is not freed, but expires after this time, in ms
   */
  release(name: string, owner: string, keepMs: number): Promise<ReleaseReply>;

  inspect(name: string): Promise<LockState>;

  /** Releases the lock regardless of its holder. `true` if it was held. */
  forceRelease(name: string): Promise<boolean>;

  /** `onNotification` also runs after notifications may have been missed. It must not throw. */
  subscribe(name: string, onNotification: () => void): NotificationSubscription;

  /**
   * How many notifications of this lock have arrived so far, for comparison with an earlier count; `undefined` if there
   * is no subscription now. Stores that cannot count them have no such method.
   */
  heard?(name: string): number | undefined;

  /** How many abandoned requests the store is cleaning up itself. */
  readonly unsettled?: number;

  /** The state of each server, if there are several. */
  readonly nodes?: readonly StoreNode[];

  /** The longest lease that the store grants, in ms, if it has a limit. */
  readonly maxLeaseMs?: number | undefined;

  /** When jobs fired; `undefined` over a quorum, whose nodes have no common clock and no common record. */
  readonly firings?: FiringStore;

  /** Closes the connections that the store opened. */
  close(): Promise<void>;
}
