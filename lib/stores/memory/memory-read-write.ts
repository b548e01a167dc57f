import { monotonic } from '../../time/clock.js';
import { now } from '../../time/instant.js';
import type {
  AcquireReply,
  AcquireRequest,
  KindStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
  RenewRequest,
} from '../lock-store.js';
import type { StoredLock } from '../lock-state.js';
import { prune, type MemoryState, type ReadWriteEntry } from './memory-state.js';
import { PLACE_MS, type MemoryKindHost } from './memory-kind-host.js';

/** Read-write locks in this process's memory, by the same rules as on Redis. */
export class MemoryReadWrite implements KindStore {
  constructor(
    private readonly state: MemoryState,
    private readonly host: MemoryKindHost,
  ) {}

  async acquire({ name, owner, leaseMs, tokens, waits }: AcquireRequest): Promise<AcquireReply> {
    const sentAt = now();
    const key = await this.host.keyOf(name);
    const entry = this.entryOf(key);
    this.state.readWrite.set(key, entry);
    const { held, places } = entry;
    const expiresAt = monotonic() + leaseMs;
    const own = held.get(owner);
    if (own !== undefined) {
      own.expiresAt = Math.max(own.expiresAt, expiresAt);
      return { taken: true, token: this.tokenOf(key, owner, tokens, true), sentAt };
    }
    const blocker = blockerOf(entry, owner);
    const holders = [...held.keys()];
    const busy = writes(owner) ? holders.length > 0 : holders.some(writes);
    if (!busy && blocker === undefined) {
      places.delete(owner);
      held.set(owner, { expiresAt, kept: false });
      return { taken: true, token: this.tokenOf(key, owner, tokens, false), sentAt };
    }
    // A `Map` keeps the place of a known key.
    if (waits) places.set(owner, monotonic() + PLACE_MS);
    const until = Math.min(
      busy ? Math.max(...[...held.values()].map((each) => each.expiresAt)) : Infinity,
      places.get(blocker ?? '') ?? Infinity,
    );
    return { taken: false, remainingMs: Math.max(1, until - monotonic()), queued: places.has(owner) };
  }

  async renew({ name, owner, leaseMs, exact }: RenewRequest): Promise<RenewReply> {
    const sentAt = now();
    const entry = this.entryOf(await this.host.keyOf(name));
    const own = entry.held.get(owner);
    if (own === undefined || own.kept) return { held: false, sentAt };
    const expiresAt = monotonic() + leaseMs;
    own.expiresAt = exact ? expiresAt : Math.max(own.expiresAt, expiresAt);
    return { held: true, sentAt, awaited: [...entry.places.keys()].some(writes) };
  }

  async release(name: string, owner: string, keepMs: number): Promise<ReleaseReply> {
    const key = await this.host.keyOf(name);
    const entry = this.entryOf(key);
    entry.places.delete(owner);
    const own = entry.held.get(owner);
    if (own !== undefined && keepMs > 0) Object.assign(own, { expiresAt: monotonic() + keepMs, kept: true });
    else entry.held.delete(owner);
    if (entry.held.size + entry.places.size === 0) this.state.readWrite.delete(key);
    const listeners = this.host.notify(channelOf(key));
    return { held: own !== undefined, listeners: own === undefined ? 0 : listeners };
  }

  /** @param key of a lock that is held */
  inspect(key: string): StoredLock {
    const holders = [...this.entryOf(key).held];
    const [owner] = holders[0] ?? [];
    const ends = Math.max(...holders.map(([, { expiresAt }]) => expiresAt));
    return {
      held: owner !== undefined,
      mode: owner === undefined ? undefined : writes(owner) ? 'write' : 'read',
      owner,
      holds: holders.length,
      remainingMs: owner === undefined ? undefined : Math.ceil(ends - monotonic()),
      token: this.state.lastToken(key),
    };
  }

  /** Whether it was held. */
  forceRelease(key: string): boolean {
    const { held } = this.entryOf(key);
    if (held.size === 0) return false;
    held.clear();
    this.host.notify(channelOf(key));
    return true;
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return this.host.listen(name, channelOf, onNotification);
  }

  private entryOf(key: string): ReadWriteEntry {
    const entry = this.state.readWrite.get(key) ?? { held: new Map(), places: new Map() };
    prune(entry);
    return entry;
  }

  /** @param again whether the owner has got its token before */
  private tokenOf(key: string, owner: string, tokens: number, again: boolean): number {
    const last = this.state.lastToken(key);
    if (!writes(owner)) return last ?? this.state.reserveTokens(key, 1);
    return again && last !== undefined ? last - tokens + 1 : this.state.reserveTokens(key, tokens);
  }
}

/** The first waiter that goes before the owner: any before one that writes, one that writes before one that reads. */
function blockerOf({ places }: ReadWriteEntry, owner: string): string | undefined {
  const waiters = [...places.keys()];
  const own = waiters.indexOf(owner);
  const before = own === -1 ? waiters : waiters.slice(0, own);
  return writes(owner) ? before[0] : before.find(writes);
}

function writes(owner: string): boolean {
  return owner.endsWith(':write');
}

function channelOf(key: string): string {
  return `read-write ${key}`;
}
