import { monotonic } from '../../time/clock.js';
import { now } from '../../time/instant.js';
import type {
  AcquireReply,
  AcquireRequest,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
  RenewRequest,
  SemaphoreStore,
} from '../lock-store.js';
import type { PermitState } from '../lock-state.js';
import { prune, type MemoryState, type SemaphoreEntry } from './memory-state.js';
import { PLACE_MS, type MemoryKindHost } from './memory-kind-host.js';

/** The permits of semaphores in this process's memory, by the same rules as on Redis. */
export class MemorySemaphores implements SemaphoreStore {
  constructor(
    private readonly state: MemoryState,
    private readonly host: MemoryKindHost,
  ) {}

  async acquire({ name, owner, leaseMs, tokens, permits, waits }: AcquireRequest): Promise<AcquireReply> {
    const sentAt = now();
    const key = await this.host.keyOf(name);
    const entry = this.entryOf(key, permits?.permits ?? 1);
    const expiresAt = monotonic() + leaseMs;
    const own = entry.held.get(owner);
    if (own !== undefined) {
      own.expiresAt = Math.max(own.expiresAt, expiresAt);
      return { taken: true, token: this.state.reserveTokens(key, tokens), sentAt };
    }
    const take = permits?.take ?? 1;
    const [firstPlace = owner] = entry.places.keys();
    if (firstPlace === owner && entry.permits - takenOf(entry) >= take) {
      // Those behind it may take what it leaves over.
      if (entry.places.delete(owner)) this.host.notify(channelOf(key));
      entry.held.set(owner, { take, expiresAt, kept: false });
      return { taken: true, token: this.state.reserveTokens(key, tokens), sentAt };
    }
    // A `Map` keeps the place of a known key.
    if (waits && take > 1) entry.places.set(owner, monotonic() + PLACE_MS);
    const ends = [...entry.held.values()].map((held) => held.expiresAt);
    if (firstPlace !== owner) ends.push(entry.places.get(firstPlace) ?? Infinity);
    const remainingMs = Math.min(...ends) - monotonic();
    return {
      taken: false,
      remainingMs: Number.isFinite(remainingMs) ? Math.max(1, remainingMs) : undefined,
      queued: entry.places.has(owner),
    };
  }

  async renew({ name, owner, leaseMs, exact }: RenewRequest): Promise<RenewReply> {
    const sentAt = now();
    const own = this.entryOf(await this.host.keyOf(name)).held.get(owner);
    if (own === undefined || own.kept) return { held: false, sentAt };
    const expiresAt = monotonic() + leaseMs;
    own.expiresAt = exact ? expiresAt : Math.max(own.expiresAt, expiresAt);
    return { held: true, sentAt };
  }

  async release(name: string, owner: string, keepMs: number): Promise<ReleaseReply> {
    const key = await this.host.keyOf(name);
    const entry = this.entryOf(key);
    entry.places.delete(owner);
    const own = entry.held.get(owner);
    if (own !== undefined && keepMs > 0) Object.assign(own, { expiresAt: monotonic() + keepMs, kept: true });
    else entry.held.delete(owner);
    if (entry.held.size + entry.places.size === 0) this.state.semaphores.delete(key);
    // Of permits that are kept or were lost before, too: waiters sleep until the end of the longer lease.
    const listeners = this.host.notify(channelOf(key));
    return { held: own !== undefined, listeners: own === undefined ? 0 : listeners };
  }

  async inspect(name: string): Promise<PermitState> {
    const key = await this.host.keyOf(name);
    if (!this.state.semaphores.has(key)) return { permits: undefined, held: 0 };
    const entry = this.entryOf(key);
    return { permits: entry.permits, held: takenOf(entry) };
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return this.host.listen(name, channelOf, onNotification);
  }

  /** The entry without permits and places whose time is over. */
  private entryOf(key: string, permits?: number): SemaphoreEntry {
    const unused: SemaphoreEntry = { permits: permits ?? 0, held: new Map(), places: new Map() };
    const entry = this.state.semaphores.get(key) ?? unused;
    if (permits !== undefined) {
      entry.permits = permits;
      this.state.semaphores.set(key, entry);
    }
    prune(entry);
    return entry;
  }
}

function takenOf({ held }: SemaphoreEntry): number {
  let sum = 0;
  for (const { take } of held.values()) sum += take;
  return sum;
}

/** Locks and semaphores have separate notifications. */
function channelOf(key: string): string {
  return `semaphore ${key}`;
}
