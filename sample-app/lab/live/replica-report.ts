import type { GuardName } from '../evolution/guards.js';
import type { SupplierStatistics } from '../supplier/statistics.js';

/**
 * The report of one replica to the live page, sent several times a second, and at once after important events. It is
 * published on the Redis channel `<prefix>live` to all replicas, which send it to their pages by SSE.
 */
export interface ReplicaReport {
  readonly replica: string;
  readonly pid: number;
  /** Grows by one with each report of this process: a gap is a report that was lost. */
  readonly seq: number;
  /** When it was made, on the replica's clock, in ms since 1970. */
  readonly at: number;
  /** How long the counts below were taken, in ms. */
  readonly periodMs: number;
  /** What guards the catalog now. */
  readonly guard: GuardName;
  /** How long the slow query is made to take, in ms. */
  readonly queryMs: number;
  readonly requests: RequestCounts;
  /** How long the requests took that were answered, see `latency-buckets.ts`. */
  readonly latency: LatencyCounts;
  readonly cache: CacheCounts;
  readonly orders: OrderCounts;
  readonly held: readonly HeldLock[];
  /** `null` while the replica cannot ask Redis. */
  readonly coordination: CoordinationReport | null;
  readonly supplier: SupplierReport;
  /** Only names with waiters. */
  readonly waiting: readonly WaitLineLength[];
  /** In the order they happened. If there were too many, the oldest are left out. */
  readonly events: readonly LiveEvent[];
  readonly eventsLeftOut: number;
}

export interface RequestCounts {
  readonly answered: number;
  /** Of these, with 5xx. */
  readonly failed: number;
  /** Of these, with 409 since the lock was busy. */
  readonly refused: number;
  /** Under way now. */
  readonly running: number;
}

/** How many requests fell into which bucket: pairs of a bucket's index and a count, only where it is not 0. */
export type LatencyCounts = readonly (readonly [bucket: number, count: number])[];

export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
  /** Begun. */
  readonly rebuilds: number;
  /** Under way now. */
  readonly rebuilding: number;
}

export interface OrderCounts {
  readonly placed: number;
  readonly soldOut: number;
}

export interface HeldLock {
  readonly name: string;
  /** `null` for systems that have no tokens. */
  readonly token: number | null;
  readonly heldMs: number;
  /** How long the lease still runs; `null` where the system knows no lease. */
  readonly remainingMs: number | null;
}

/** What one of the replicas does for all. Times are in ms since 1970, by the clock of Redis; `where` is `host:pid`. */
export interface CoordinationReport {
  /** The replica that sends the order events; `null` if there is none at the moment. */
  readonly leader: {
    readonly where: string | null;
    readonly token: number | null;
    readonly since: number | null;
  } | null;
  /** The last refresh of the prices. */
  readonly lastRun: {
    readonly where: string;
    readonly startedAt: number;
    readonly endedAt: number | null;
    readonly outcome: 'running' | 'done' | 'failed';
    readonly attempt: number;
  } | null;
}

/** The supplier, which allows few requests at a time, so that each takes a permit. */
export interface SupplierReport {
  /** The permits in Redis, of all replicas; `null` while the replica cannot ask Redis. */
  readonly permits: { readonly all: number; readonly held: number } | null;
  /** What the supplier itself has counted; `null` while it does not answer. */
  readonly counted: SupplierStatistics | null;
}

export interface WaitLineLength {
  readonly name: string;
  readonly callers: number;
}

/** `at` is in ms since 1970; `name` is a lock's name. */
export type LiveEvent = { readonly at: number } & (
  | {
      readonly type: 'acquired';
      readonly name: string;
      readonly token: number | null;
      readonly waitedMs: number;
      /** From a caller of the same process, without a command to Redis. */
      readonly handedOver: boolean;
    }
  | { readonly type: 'renewed'; readonly name: string; readonly token: number }
  | { readonly type: 'released'; readonly name: string; readonly token: number | null; readonly heldMs: number }
  | { readonly type: 'lost'; readonly name: string; readonly token: number | null; readonly reason: string }
  /** The lock was still taken after the wait. */
  | { readonly type: 'busy'; readonly name: string }
  | { readonly type: 'rebuild-began'; readonly section: string; readonly token: number | null }
  | { readonly type: 'rebuild-ended'; readonly section: string; readonly ms: number; readonly failed: boolean }
  | { readonly type: 'prices-refreshed'; readonly token: number | null }
  | { readonly type: 'error'; readonly message: string }
);

/** The events of the SSE stream `GET /live/events`, by name. */
export interface LiveStream {
  /** One of each replica's reports as it comes. */
  report: ReplicaReport;
  /** Twice a second, so that a page notices a stream that hangs. */
  beat: {
    readonly replica: string;
    readonly at: number;
    /** Whether reports go to Redis and come back. */
    readonly redis: 'up' | 'down';
    /** How many events of this stream were left out because the page did not take them. */
    readonly dropped: number;
  };
}
