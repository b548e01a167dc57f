import type { FiringRecord } from '../firing-store.js';
import { monotonic, wall } from '../../time/clock.js';
import { onNextTurn } from '../../time/ticks.js';

/** @internal */
interface Entry {
  owner: string;
  /** When the lease ends, on the monotonic clock. */
  expiresAt: number;
}

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
  }
}
