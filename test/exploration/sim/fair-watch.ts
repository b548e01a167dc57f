import type { MemoryState } from '../../../lib/stores/memory/memory-state.js';
import type { MemoryStore } from '../../../lib/stores/memory/memory-store.js';
import type { World } from './kernel/world.js';
import type { Oracle, Section } from './oracle.js';
import { PLACE_MS } from './redis/places.js';
import { sideKeyOf, type ScriptModel } from './redis/script-model.js';
import { KEY_PREFIX } from './replica.js';
import type { StoreWatch } from './store-watch.js';

/** The store cannot have dropped a waiter that asked so long ago, in ms. */
const KEPT_MS = PLACE_MS - 10;

/** What a waiter knows of its place: its requests, and the replies. */
interface Place {
  /**
   * When it got its place, as a number in the order of all requests. If it was late, the store may have dropped it before the next
   * waiter, or may not: then it is `earliest` or `latest`.
   */
  readonly earliest: number;
  readonly latest: number;
  /** When it had it in any case, in µs. */
  readonly since: number;
  /** When it last asked, by the clock of the store, in ms. */
  readonly asked: number;
}

/** One executed request. */
interface Asked {
  readonly lock: string;
  readonly owner: string;
  readonly waits: boolean;
  readonly taken: boolean;
}

/**
 * Checks the order of a fair lock with nothing but the requests that a store executes, and its replies: a waiter that asks at
 * least every 5 s is not overtaken until it leaves, and a release notifies the next waiter alone.
 */
export class FairWatch implements StoreWatch {
  private readonly places = new Map<string, Map<string, Place>>();
  private number = 0;
  private losses = 0;
  /** The clock of the store, in ms. */
  clock: () => number = () => 0;
  /** Whom each release in the memory store notified whose reply has not been seen yet. */
  private readonly releases: string[][] = [];

  constructor(
    private readonly world: World,
    private readonly oracle: Oracle,
  ) {
    oracle.onEnter = (section) => {
      this.onEnter(section);
    };
  }

  watched(name: string, model: ScriptModel): ScriptModel {
    if (name === 'ACQUIRE_FAIR') return this.watchedAcquire(model);
    return name === 'RELEASE_FAIR' ? this.watchedRelease(model) : model;
  }

  watchStore(memory: MemoryStore): void {
    const { fair: store } = memory;
    const exclusive = memory.release.bind(memory);
    const locks = store['locks'];
    const free = locks.free.bind(locks);
    const acquire = store.acquire.bind(store);
    const release = store.release.bind(store);
    store.acquire = async (request) => {
      const reply = await acquire(request);
      this.onAsked({ ...request, lock: KEY_PREFIX + request.name, waits: request.waits, taken: reply.taken });
      return reply;
    };
    // Each release calls it once, just before it notifies. Replies come in the order of the releases.
    locks.free = (...args) => {
      this.releases.push([]);
      return free(...args);
    };
    store.release = async (name, owner, keepMs) => {
      const reply = await release(name, owner, keepMs);
      this.onReleased(KEY_PREFIX + name, [owner], this.releases.shift() ?? []);
      return reply;
    };
    memory.release = async (...args) => {
      const reply = await exclusive(...args);
      this.releases.shift();
      return reply;
    };
  }

  /** Watches whom releases notify. */
  watchState(state: MemoryState): void {
    const notify = state.notify.bind(state);
    state.notify = (key, except) => {
      this.releases.at(-1)?.push(key);
      return notify(key, except);
    };
  }

  private watchedAcquire(model: ScriptModel): ScriptModel {
    return (keys, args, redis, publish) => {
      const requests = Array.from({ length: keys.length / 5 }, (_, i) => ({
        lock: keys[5 * i]!,
        owner: String(args[2 * i + 3]),
        waits: String(args[2 * i + 4]) === '1',
      }));
      const had = requests.map(({ lock, owner }) => redis.hexists(lock, owner));
      const reply = model(keys, args, redis, publish);
      for (const [i, request] of requests.entries()) {
        const status = Array.isArray(reply) ? (reply[2 * i] as number) : 1;
        if (status !== -1 && !had[i]!) this.onAsked({ ...request, taken: status === 1 });
      }
      return reply;
    };
  }

  private watchedRelease(model: ScriptModel): ScriptModel {
    return (keys, args, redis, publish) => {
      const told: string[] = [];
      const reply = model(keys, args, redis, (channel, message) => {
        told.push(channel);
        return publish(channel, message);
      });
      for (const lock of new Set(keys)) {
        const owners = keys.flatMap((key, i) => (key === lock ? [String(args[i + 5])] : []));
        const channel = sideKeyOf(lock, String(args[1]));
        this.onReleased(
          lock,
          owners,
          told.filter((each) => each.startsWith(channel)),
        );
      }
      return reply;
    };
  }

  private onAsked({ lock, owner, waits, taken }: Asked): void {
    const places = this.placesOf(lock);
    const number = (this.number += 1);
    const place = places.get(owner);
    if (taken) {
      places.delete(owner);
      for (const [other, { latest }] of this.certain(places)) {
        if (latest < (place?.earliest ?? number))
          this.violate(`${owner} got "${lock}" before ${other}, which asked earlier`);
      }
      return;
    }
    const asked = this.clock();
    if (place !== undefined) {
      const kept = asked - place.asked < KEPT_MS;
      places.set(owner, kept ? { ...place, asked } : { ...place, latest: number, since: this.world.now, asked });
    } else if (waits) places.set(owner, { earliest: number, latest: number, since: this.world.now, asked });
  }

  private onReleased(lock: string, owners: readonly string[], told: readonly string[]): void {
    const places = this.placesOf(lock);
    for (const owner of owners) places.delete(owner);
    const certain = this.certain(places);
    for (const channel of told) {
      const [waiter, place] = [...places].find(([each]) => channel.endsWith(each)) ?? [];
      if (owners.some((owner) => channel.endsWith(owner))) continue;
      const next = certain.find(([other, { latest }]) => other !== waiter && latest < (place?.earliest ?? Infinity));
      if (next !== undefined) this.violate(`a release of "${lock}" told ${channel}, not ${next[0]}, which is next`);
    }
  }

  /** A lock that a process hands over to a caller of its own. */
  private onEnter({ name, caller, began, hold }: Section): void {
    // Exclusive callers may overtake.
    if (hold.mode !== 'fair') return;
    for (const [owner, { since }] of this.certain(this.placesOf(KEY_PREFIX + name))) {
      if (owner === hold.owner || since >= began) continue;
      this.violate(`${caller} has "${name}" before ${owner}, which asked earlier`);
    }
  }

  /** The waiters that the store still has to know. */
  private certain(places: ReadonlyMap<string, Place>): [owner: string, place: Place][] {
    const now = this.clock();
    return [...places].filter(([, { asked }]) => now - asked < KEPT_MS);
  }

  /** A store that lost its data forgot all places. */
  private placesOf(lock: string): Map<string, Place> {
    if (this.losses !== this.oracle.losses) this.places.clear();
    this.losses = this.oracle.losses;
    const places = this.places.get(lock) ?? new Map<string, Place>();
    this.places.set(lock, places);
    return places;
  }

  /** A failover brings places back that were given up, and forgets others. */
  private violate(what: string): void {
    if (!this.oracle.broughtBack) this.oracle.violate(what);
  }
}
