import type { LockConfigError } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import type { Instant } from '../time/instant.js';
import type { FiringStore } from './firing-store.js';
import type { HolderStore } from './holder-store.js';
import type { WrongKindError } from './wrong-kind-error.js';
import type { PermitState, StoredLock, StoreNode } from './lock-state.js';

/** The owners that compete for a lock, and when each was first seen, on the monotonic clock. */
export type Rivals = ReadonlyMap<string, number>;

/** How many permits a semaphore has, and how many of them a caller takes together. */
export interface PermitCount {
  readonly permits: number;
  readonly take: number;
}

/** How a lock is taken, if it is not `exclusive`: in the order of all callers, or as a read-write lock. */
export type TakingMode = 'fair' | 'read' | 'write';

/** An attempt to take a lock. */
export interface AcquireRequest {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
  /** How many fencing tokens to reserve. */
  readonly tokens: number;
  /** How many replicas must acknowledge the write. */
  readonly minReplicas: number;
  /** The `rivals` of the reply to the previous attempt. */
  readonly rivals?: Rivals | undefined;
  /** For a semaphore. */
  readonly permits?: PermitCount | undefined;
  /** Whether the caller waits if the lock is busy, so that the store may keep a place for it. */
  readonly waits: boolean;
}

export interface RenewRequest {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
  /** How many replicas must acknowledge the write. */
  readonly minReplicas: number;
  /** How many requests with `exact` were sent for this owner, including this one. */
  readonly number: number;
  /** Whether a longer lease is shortened; otherwise it is kept. */
  readonly exact: boolean;
}

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
      /** Whether the store keeps a place for this owner in the order of the waiters, until its release. */
      readonly queued?: boolean;
    };

export interface RenewReply {
  /** `false`: this owner is no longer the holder. */
  readonly held: boolean;
  /** Of a lock that is read: whether a writer waits, so that no more callers of this process may share it. */
  readonly awaited?: boolean;
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
 * Stores the state of locks of one kind. One request is one attempt: waiting, renewal and fairness belong to the layers
 * above.
 *
 * Every method rejects with `LockUnavailableError` within a bounded time if the store cannot be reached or refuses the
 * request. Names are without the key prefix.
 */
export interface KindStore {
  /**
   * Takes a free lock for the owner. Idempotent: if the owner already holds the lock, its lease is refreshed and it gets
   * the same token, so a request may be sent twice. With too few replicas the lock is released, and the call rejects.
   */
  acquire(request: AcquireRequest): Promise<AcquireReply>;

  /**
   * Makes the holder's lease last at least `leaseMs` from now, or exactly that long with `exact`. With too few replicas
   * the call rejects, but has been executed.
   *
   * Requests may arrive in another order than they were sent. One with `exact` makes a lease shorter only if no request
   * with the same or a larger number has arrived before it.
   */
  renew(request: RenewRequest): Promise<RenewReply>;

  /**
   * Releases the lock and notifies its waiters. Idempotent. Also gives up the owner's place among the waiters.
   *
   * @param keepMs if above 0, the lock is not freed, but expires after this time, in ms
   */
  release(name: string, owner: string, keepMs: number): Promise<ReleaseReply>;

  /**
   * The error for the caller whose request was refused with `error`, if another kind of lock has the name. Stores that do
   * not refuse such requests have no such method.
   */
  explain?(name: string, error: WrongKindError): Promise<LockConfigError | undefined>;

  /**
   * `onNotification` also runs after notifications may have been missed. It must not throw.
   *
   * @param owner of the waiter: of a fair lock, only the next one is notified
   */
  subscribe(name: string, onNotification: () => void, owner: string): NotificationSubscription;

  /**
   * How many notifications of this lock have arrived so far, for comparison with an earlier count; `undefined` if there
   * is no subscription now. Stores that cannot count them have no such method.
   */
  heard?(name: string): number | undefined;
}

/** Stores the permits of semaphores: an owner has as many as it took. */
export interface SemaphoreStore extends KindStore {
  inspect(name: string): Promise<PermitState>;
}

/** Stores latches. Acquiring one means to find it open; nothing is held. */
export interface LatchStore extends KindStore {
  /**
   * Gives a latch without a count one. `false` if it has one.
   *
   * @param id identifies the request if it is sent again
   */
  trySetCount(name: string, count: number, id: string): Promise<boolean>;

  /** Returns the count after it; 0: the latch is open. */
  countDown(name: string, id: string): Promise<number>;

  count(name: string): Promise<number>;
}

/** Stores the state of locks, and the other state of a service. The exclusive locks are its own. */
export interface LockStore extends KindStore {
  /**
   * Connects to the store and tests every permission that locks need; rejects if that takes longer than `timeoutMs`.
   */
  connect(timeoutMs: number): Promise<void>;

  inspect(name: string): Promise<StoredLock>;

  /** Releases the lock regardless of its holder. `true` if it was held. */
  forceRelease(name: string): Promise<boolean>;

  /** How many abandoned requests the store is cleaning up itself. */
  readonly unsettled?: number;

  /** The state of each server, if there are several. */
  readonly nodes?: readonly StoreNode[];

  /** The longest lease that the store grants, in ms, if it has a limit. */
  readonly maxLeaseMs?: number | undefined;

  /** The permits of semaphores; `undefined` over a quorum, where a majority does not limit their number. */
  readonly semaphores?: SemaphoreStore;

  /** Read-write locks; `undefined` over a quorum, whose nodes have no common order of readers and writers. */
  readonly readWrite?: KindStore;

  /**
   * The same locks as the exclusive ones, for waiters that are served in the order of their requests; `undefined` over a
   * quorum, whose nodes have no common order.
   */
  readonly fair?: KindStore;

  /** Latches; `undefined` over a quorum, whose nodes have no common count. */
  readonly latches?: LatchStore;

  /** When jobs fired; `undefined` over a quorum, whose nodes have no common clock and no common record. */
  readonly firings?: FiringStore;

  /** Which process each service is in. */
  readonly holders?: HolderStore;

  /** The uuid with which owners begin, if the store makes them. */
  readonly ownerId?: string;

  /** Closes the connections that the store opened. */
  close(): Promise<void>;
}
