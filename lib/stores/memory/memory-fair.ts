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
import { both } from '../both-subscriptions.js';
import { PLACE_MS, type MemoryKindHost } from './memory-kind-host.js';
import type { MemoryLocks } from './memory-locks.js';
import type { MemoryState } from './memory-state.js';

/** Exclusive locks in this process's memory whose waiters are served in the order of their requests. */
export class MemoryFair implements KindStore {
  constructor(
    private readonly state: MemoryState,
    private readonly locks: MemoryLocks,
    private readonly host: MemoryKindHost,
  ) {}

  async acquire({ name, owner, leaseMs, tokens, waits }: AcquireRequest): Promise<AcquireReply> {
    const sentAt = now();
    const key = await this.host.keyOf(name);
    const places = this.placesOf(key);
    // A `Map` keeps the place of a known key.
    if (places.has(owner)) places.set(owner, monotonic() + PLACE_MS);
    const entry = this.state.read(key);
    const next = nextOf(places) ?? owner;
    if (entry?.owner === owner || (entry === undefined && next === owner)) {
      places.delete(owner);
      return { taken: true, token: this.locks.take(key, owner, leaseMs, tokens), sentAt };
    }
    if (waits && !places.has(owner)) places.set(owner, monotonic() + PLACE_MS);
    this.state.fair.set(key, places);
    const until = entry?.expiresAt ?? places.get(next) ?? Infinity;
    return { taken: false, remainingMs: Math.max(1, until - monotonic()), queued: places.has(owner) };
  }

  renew(request: RenewRequest): Promise<RenewReply> {
    return this.locks.renew(request);
  }

  async release(name: string, owner: string, keepMs: number): Promise<ReleaseReply> {
    const key = await this.host.keyOf(name);
    const places = this.placesOf(key);
    const before = nextOf(places);
    places.delete(owner);
    const held = this.locks.free(key, owner, keepMs);
    const next = nextOf(places);
    if (places.size === 0) this.state.fair.delete(key);
    // Of a lock that is kept, only the waiter knows that was the next one at its release, and may leave now.
    const unaware = next !== before;
    if (!held && !unaware && this.state.read(key) !== undefined) return { held, listeners: 0 };
    const listeners = this.host.notify(next === undefined ? key : channelOf(key, next));
    return { held, listeners: held ? listeners : 0 };
  }

  /** A waiter also listens to the notifications of exclusive locks. */
  subscribe(name: string, onNotification: () => void, owner: string): NotificationSubscription {
    return both(
      this.host.listen(name, (key) => key, onNotification),
      this.host.listen(name, (key) => channelOf(key, owner), onNotification),
    );
  }

  private placesOf(key: string): Map<string, number> {
    return this.state.fair.get(key) ?? new Map<string, number>();
  }
}

/** The next waiter. Those before it whose places have ended are removed. */
function nextOf(places: Map<string, number>): string | undefined {
  for (const [waiter, until] of places) {
    if (until > monotonic()) return waiter;
    places.delete(waiter);
  }
  return undefined;
}

function channelOf(key: string, waiter: string): string {
  return `fair ${key} ${waiter}`;
}
