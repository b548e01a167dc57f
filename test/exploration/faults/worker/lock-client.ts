import type { LockKind } from '../kinds.js';

/** Where a worker finds its Redis, as `createLockService` takes it. */
export type Where =
  | { readonly url: string }
  | { readonly redis: { sentinels: Address[]; name: string; natMap: NatMap } }
  | { readonly cluster: { nodes: Address[]; options: { natMap: NatMap } } }
  | { readonly quorum: string[] };

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A node's own address, `host:port`, and where a worker connects instead: a proxy of its own. */
export type NatMap = Record<string, Address>;

/** How a worker's service is set up. */
export interface ClientSetup {
  readonly where: Where;
  readonly leaseMs: number;
  readonly minReplicas: number;
  readonly kind: LockKind;
}

export interface Ask {
  /** ms; may be `Infinity`. */
  readonly wait: number;
  readonly lease: 'renew' | number;
  readonly signal?: AbortSignal;
  readonly holdAtLeast?: number;
  /** How many permits; missing: 1. */
  readonly take?: number;
}

/** What a worker does with locks, whatever library makes them. */
export interface LockClient {
  /** Rejects with an error whose `code` is `LOCK_BUSY` after `wait`, `LOCK_ABORTED`, `LOCK_UNAVAILABLE`, or a peer's own. */
  acquire(names: readonly string[], ask: Ask): Promise<HeldLock>;
  /** What is in hand; all 0 when nothing is. */
  stats(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export interface HeldLock {
  /** `undefined` where the library has no fencing tokens. */
  tokenOf(name: string): number | undefined;
  /** How long it can still be relied on, ms; 0 when it is lost; `null` where the library cannot say. */
  remaining(): number | null;
  /** Aborts when the lock is lost; `undefined` where the library does not tell. */
  readonly signal: AbortSignal | undefined;
  release(): Promise<'released' | 'lost' | 'unconfirmed'>;
}

/** A module of an adapter exports this as `open`. */
export type OpenLockClient = (setup: ClientSetup) => Promise<LockClient>;
