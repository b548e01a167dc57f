import type { FiringRecord } from '../firing-store.js';
import type { HolderEntry } from './memory-holders.js';
import { monotonic, wall } from '../../time/clock.js';
import { onNextTurn } from '../../time/ticks.js';

/** @internal */
interface Entry {
  owner: string;
  /** When the lease ends, on the monotonic clock. */
  expiresAt: number;
}

/** @internal What one of several owners has. */
export interface Held {
  /** When the lease ends, on the monotonic clock. */
  expiresAt: number;
  /** Whether it was released, and is only kept for a while. */
  kept: boolean;
}

/** @internal The permits that an owner has. */
interface HeldPermits extends Held {
  readonly take: number;
}

/** @internal */
export interface SemaphoreEntry {
  permits: number;
  /** By owner. */
  readonly held: Map<string, HeldPermits>;
  /** Until when each waiter that takes several permits keeps its place, in the order of their places. */
  readonly places: Map<string, number>;
}

/** @internal Its holders are one owner that writes, or any number that read. */
export interface ReadWriteEntry {
  readonly held: Map<string, Held>;
  /** Until when each waiter keeps its place, in the order of their places. */
  readonly places: Map<string, number>;
}

/** @internal The kinds of locks, as `KIND` names them. */
export type MemoryKind = 'lock' | 'read-write' | 'semaphore' | 'latch';

/**
 * The locks of a memory store. Services that are given the same state contend for the same locks, as replicas do for
 * one Redis.
 *
 * @publicApi
 */
export class MemoryState {
  private readonly entries = new Map<string, Entry>();
  private readonly tokens = new Map<string, number>();
  /** The highest token reserved so far, of all names. It survives a flush, so that no token repeats. */
  private highestToken = 0;
  /** @internal The last firings of jobs. */
  readonly firings = new Map<string, Omit<FiringRecord, 'ageMs'>>();
  /** @internal The processes of services. */
  readonly holders = new Map<string, HolderEntry>();
  /** @internal */
  readonly semaphores = new Map<string, SemaphoreEntry>();
  /** @internal The counts of latches that are closed. */
  readonly latches = new Map<string, number>();
  /** @internal */
  readonly readWrite = new Map<string, ReadWriteEntry>();
  /** @internal Until when each waiter for a fair lock keeps its place, in the order of their places. */
  readonly fair = new Map<string, Map<string, number>>();
  private readonly listeners = new Map<string, Set<() => void>>();

  /** @internal The entry of `key`, unless its lease has ended. */
  read(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry !== undefined && entry.expiresAt <= monotonic()) {
      this.entries.delete(key);
      return undefined;
    }
    return entry;
  }

  /** @internal The kind of lock that has the key; `undefined` if it is free. */
  kindOf(key: string): MemoryKind | undefined {
    if (this.read(key) !== undefined) return 'lock';
    if (isInUse(this.readWrite.get(key))) return 'read-write';
    if (this.latches.has(key)) return 'latch';
    return isInUse(this.semaphores.get(key)) ? 'semaphore' : undefined;
  }

  /** @internal */
  write(key: string, owner: string, leaseMs: number): void {
    this.entries.set(key, { owner, expiresAt: monotonic() + leaseMs });
  }

  /** @internal */
  delete(key: string): void {
    this.entries.delete(key);
  }

  /** @internal */
  lastToken(key: string): number | undefined {
    return this.tokens.get(key);
  }

  /**
   * @internal Reserves tokens like the Redis script, above the last ones and not below the clock in µs. Here the last
   * ones are those of all names.
   */
  reserveTokens(key: string, count: number): number {
    const first = Math.max(this.highestToken + 1, Math.floor(wall() * 1_000));
    this.highestToken = first + count - 1;
    this.tokens.set(key, this.highestToken);
    return first;
  }

  /** @internal Notifies the listeners after the caller has returned. Returns their number without those in `except`. */
  notify(key: string, except: ReadonlySet<() => void>): number {
    const listeners = [...(this.listeners.get(key) ?? [])];
    onNextTurn(() => {
      for (const listener of listeners) if (this.listeners.get(key)?.has(listener) === true) listener();
    });
    return listeners.filter((listener) => !except.has(listener)).length;
  }

  /** @internal */
  listen(key: string, listener: () => void): void {
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(listener));
  }

  /** @internal */
  unlisten(key: string, listener: () => void): void {
    const listeners = this.listeners.get(key);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.listeners.delete(key);
  }

  /** Deletes every lock and token, like a flush of Redis. */
  flush(): void {
    this.entries.clear();
    this.tokens.clear();
    this.firings.clear();
    this.semaphores.clear();
    this.readWrite.clear();
    this.latches.clear();
    this.fair.clear();
    this.holders.clear();
  }
}

/** @internal Removes the holders and places whose time is over. */
export function prune({ held, places }: ReadWriteEntry): void {
  const time = monotonic();
  for (const [owner, { expiresAt }] of held) if (expiresAt <= time) held.delete(owner);
  for (const [owner, until] of places) if (until <= time) places.delete(owner);
}

function isInUse(entry: ReadWriteEntry | undefined): boolean {
  if (entry === undefined) return false;
  prune(entry);
  return entry.held.size + entry.places.size > 0;
}
