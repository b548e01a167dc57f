import type { FencingToken } from '../fencing-token.js';
import type { Instant } from '../time/instant.js';
import type { LockState, StoreNode } from './lock-state.js';

/** By owner, when it was first seen, on the monotonic clock. */
export type Rivals = ReadonlyMap<string, number>;

/** What an attempt to take a lock came to. */
export type AcquireReply =
  | {
      readonly taken: true;
      /** The first of the fencing tokens reserved by this acquisition. */
      readonly token: FencingToken;
      /** When the request was sent: leases are counted from here. */
      readonly sentAt: Instant;
      /** The owner to renew and release it by, where it is not the one that was asked for. */
      readonly owner?: string;
    }
  | {
      readonly taken: false;
      /** How long the holder's lease still runs, in ms; `undefined` where it has none. */
      readonly remainingMs: number | undefined;
      /** No contender has a majority of the nodes: each tries again after a random pause of about this length, in ms. */
      readonly pauseMs?: number;
      /**
       * The owners that had votes on some of several nodes, and when each was first seen, on the monotonic clock. The next
       * try is told, so that it sees which of them stay.
       */
      readonly rivals?: Rivals;
    };

export interface RenewReply {
  /** `false`: the store does not know this owner as the holder any more. */
  readonly held: boolean;
  readonly sentAt: Instant;
}

export interface ReleaseReply {
  /** `false`: another owner holds it, or none; the lock was lost before. */
  readonly held: boolean;
  /** How many subscribers elsewhere heard the notification, as far as the store can tell. */
  readonly listeners: number;
}

/** Listens for notifications that a lock was released. A notification is a hint to try again, nothing is believed because of it. */
export interface NotificationSubscription {
  /** Whether notifications arrive now. */
  readonly active: boolean;
  /** Resolves once notifications arrive; rejects with `LockUnavailableError` if they cannot be had now. */
  activate(): Promise<void>;
  close(): void;
}

/**
 * Where lock state lives. One request is one attempt: waiting, leases in time and fairness are not the store's work.
 *
 * Every method rejects with `LockUnavailableError` when the store cannot be reached or refuses, within a bounded time.
 * Names are without the key prefix.
 */
export interface LockStore {
  /** Makes the store reachable, or rejects within `timeoutMs`. Tries out every right the locks need. */
  connect(timeoutMs: number): Promise<void>;

  /**
   * Takes a free lock for `owner`. Idempotent: an owner that holds it already gets its lease refreshed and the same
   * token again, so a request may be sent twice.
   *
   * @param tokens how many consecutive fencing tokens to reserve
   * @param minReplicas how many replicas have to acknowledge it; with fewer the lock is given back, and the call rejects
   * @param rivals what the reply to the try before said
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
   * @param minReplicas how many replicas have to acknowledge it; with fewer the call rejects, but it was carried out
   * @param number how many requests with `exact` there were for this owner, this one included. Default 0
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
   * Releases the lock and notifies its waiters. It can be sent again without harm.
   *
   * @param keepMs if above 0, the lock is not freed but left to expire that much later
   */
  release(name: string, owner: string, keepMs: number): Promise<ReleaseReply>;

  inspect(name: string): Promise<LockState>;

  /** Releases the lock regardless of its holder. `true` if it was held. */
  forceRelease(name: string): Promise<boolean>;

  /** `onNotice` also runs after notifications may have been missed. It must not throw. */
  subscribe(name: string, onNotification: () => void): NotificationSubscription;

  /**
   * How many notifications of this name have arrived so far, for comparison with an earlier answer; `undefined`: none would
   * arrive now. Stores that cannot count them leave it out.
   */
  heard?(name: string): number | undefined;

  /** How many abandoned requests the store still undoes by itself. */
  readonly unsettled?: number;

  /** The state of each server, where locks are kept on several. */
  readonly nodes?: readonly StoreNode[];

  /** The longest lease that the store grants, in ms, where it has a limit of its own. */
  readonly maxLeaseMs?: number | undefined;

  /** Closes what the store opened itself. */
  close(): Promise<void>;
}
