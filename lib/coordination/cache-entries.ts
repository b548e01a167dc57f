import { randomUUID } from 'node:crypto';
import { LockUnavailableError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import type { FencingToken } from '../fencing-token.js';
import type { Lease } from '../leases/lease.js';
import type { Reporter } from '../telemetry/reporter.js';
import { monotonic, wall } from '../time/clock.js';
import { Deadline, type Deadlines } from '../time/deadlines.js';
import type { SharedCache } from './shared-cache.js';

/** A value in the cache. */
export interface CacheEntry {
  /** The fencing token of the lease under which it was computed. */
  readonly token: FencingToken;
  /** Until when it is fresh, and until when it may be returned at all, by the clock of the process that computed it. */
  readonly freshUntil: number;
  readonly staleUntil: number;
  /** Missing if it is `undefined`. */
  readonly value?: unknown;
}

/** What the cache has under a key: the entry, and the ID of the last invalidation. */
export interface CacheState {
  readonly entry: CacheEntry | undefined;
  readonly invalidation: string | undefined;
}

/**
 * How long the cache keeps an entry after it may be returned, in ms. Keyv deletes an entry that has expired by the clock
 * of the reader, which may be ahead, or late: the deletion could hit the next entry.
 */
const KEPT_MS = 5_000;
/** How long an invalidation is remembered, in ms. The result of a longer computation is not cached. */
export const INVALIDATION_MS = 3_600_000;

/** Stands for an entry that may be there: too old to be returned, and no other entry is known to be newer. */
const UNREADABLE: CacheEntry = { token: Infinity, freshUntil: -Infinity, staleUntil: -Infinity };

/** The values in a cache, each in an envelope. A cache that fails counts as empty, and is reported. */
export class CacheEntries {
  constructor(
    private readonly cache: SharedCache,
    private readonly timeoutMs: number,
    private readonly deadlines: Deadlines,
    private readonly reporter: Reporter,
  ) {}

  /** The entry of a key, even if it is too old to be returned; `UNREADABLE` if the cache fails. */
  async read(key: string): Promise<CacheEntry | undefined> {
    try {
      return await this.entry(key);
    } catch (error) {
      this.warn('be read', key, error);
      return UNREADABLE;
    }
  }

  /** `undefined` if the cache fails: then nothing is known of invalidations, and nothing may be written. */
  async readState(key: string): Promise<CacheState | undefined> {
    try {
      return await this.state(key);
    } catch (error) {
      this.warn('be read', key, error);
      return undefined;
    }
  }

  /**
   * Writes an entry that was computed under `lease`, unless the lease is lost or the cache has a newer entry.
   *
   * @param entry `undefined` to remove the entry that is there
   * @param before the state when the computation began
   * @returns whether the value was not invalidated while it was computed
   */
  async write(key: string, entry: CacheEntry | undefined, lease: Lease, before: CacheState): Promise<boolean> {
    const now = await this.readState(key);
    if (now === undefined) return true;
    if (now.invalidation !== before.invalidation) return false;
    if (isLost(lease) || (now.entry?.token ?? 0) > lease.token) return true;
    try {
      if (entry === undefined) {
        if (now.entry !== undefined) await this.remove(key);
        return true;
      }
      const ttl = Math.ceil(entry.staleUntil - wall()) + KEPT_MS;
      const written = await this.within(this.cache.set(key, entry, Math.max(ttl, 1)));
      if (written === false) throw new Error('set() returned false');
      return await this.confirm(key, lease, before);
    } catch (error) {
      this.warn('be written', key, error);
      return true;
    }
  }

  /**
   * Removes the entry of a key, and lets computations that have begun know that their result is out of date.
   *
   * @throws LockUnavailableError if the cache fails
   */
  async invalidate(key: string): Promise<void> {
    try {
      const before = await this.state(key);
      await this.within(this.cache.set(markOf(key), randomUUID(), INVALIDATION_MS));
      await this.remove(key);
      // Many caches do not report their errors.
      const after = await this.state(key);
      const same = after.entry !== undefined && after.entry.token === before.entry?.token;
      if (same || after.invalidation === before.invalidation) throw new Error('Its entries have not changed.');
    } catch (cause) {
      throw new LockUnavailableError('the cache does not store the invalidation of its value.', key, {
        cause,
        retryable: true,
        outcomeUnknown: true,
      });
    }
  }

  /** Removes an entry again that was written too late: after an invalidation, or after the lease was lost. */
  private async confirm(key: string, lease: Lease, before: CacheState): Promise<boolean> {
    const now = await this.state(key);
    const valid = now.invalidation === before.invalidation;
    if ((!valid || isLost(lease)) && now.entry?.token === lease.token) await this.remove(key);
    return valid;
  }

  private remove(key: string): Promise<unknown> {
    return this.within(this.cache.remove(key, null));
  }

  private async entry(key: string): Promise<CacheEntry | undefined> {
    const found: unknown = await this.within(this.cache.get(key));
    return isEntry(found) ? found : undefined;
  }

  private async state(key: string): Promise<CacheState> {
    const [entry, mark] = await Promise.all([this.entry(key), this.within(this.cache.get(markOf(key)))]);
    return { entry, invalidation: typeof mark === 'string' ? mark : undefined };
  }

  /** @throws the error of the cache, or one that says that it did not reply in time */
  private within<T>(request: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const limit = new RequestLimit(() => {
        reject(new Error(`The cache did not reply within ${String(this.timeoutMs)} ms.`));
      });
      this.deadlines.add(limit, monotonic() + this.timeoutMs);
      const end = (): void => {
        this.deadlines.remove(limit);
      };
      request.then(resolve, reject).then(end, end);
    });
  }

  private warn(what: string, key: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.reporter.warn('cache', `The cache of single flight could not ${what} for ${quoteName(key)}: ${reason}`);
  }
}

class RequestLimit extends Deadline {
  constructor(readonly onDue: () => void) {
    super();
  }
}

/** After a pause of the process, the clock shows the loss before the signal aborts. */
function isLost(lease: Lease): boolean {
  return lease.signal.aborted || lease.remaining() === 0;
}

/** The key under which the cache has the ID of the last invalidation. */
function markOf(key: string): string {
  return `${key}#invalidated`;
}

function isEntry(found: unknown): found is CacheEntry {
  if (typeof found !== 'object' || found === null) return false;
  return ['token', 'freshUntil', 'staleUntil'].every((member) => typeof Reflect.get(found, member) === 'number');
}
