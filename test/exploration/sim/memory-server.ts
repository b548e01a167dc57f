import type { MemoryState } from '../../../lib/stores/memory/memory-state.js';
import type { SimProcess } from './kernel/sim-process.js';
import type { LockServer } from './oracle.js';
import { memberOf } from './redis/permit-models.js';
import { NAMES } from './schedule.js';

/** The state that the services of one process share by the memory store, as the checks look at servers. */
export class MemoryServer implements LockServer {
  readonly id = 0;
  readonly up = true;
  readonly forgotAt = -Infinity;
  readonly keys: LockServer['keys'];

  constructor(
    readonly process: SimProcess,
    readonly state: MemoryState,
    keyPrefix: string,
  ) {
    const read = (key: string): ReturnType<MemoryState['read']> => state.read(key);
    const left = (expiresAt: number | undefined): number => (expiresAt ?? -Infinity) - process.mono();
    /** The holders of a read-write lock whose leases have not ended. */
    const holdersOf = (key: string): [owner: string, left: number][] =>
      [...(state.readWrite.get(key)?.held ?? [])]
        .map(([owner, { expiresAt }]): [string, number] => [owner, left(expiresAt)])
        .filter(([, ms]) => ms > 0);
    this.keys = {
      pttl: (key) => {
        const [, lock, reader] = /^\{(.*)\}:(.*):rwlock_timeout:1$/.exec(key) ?? [];
        if (lock !== undefined) return holdersOf(lock).find(([owner]) => owner === reader)?.[1] ?? -2;
        return Math.max(left(read(key)?.expiresAt), ...holdersOf(key).map(([, ms]) => ms));
      },
      get: (key) => {
        const count = state.latches.get(key);
        if (count !== undefined) return String(count);
        const [, lock] = /^lock_order:\{(.*)\}$/.exec(key) ?? [];
        const places = [...(state.readWrite.get(lock ?? '')?.places ?? [])].filter(([, until]) => left(until) > 0);
        return places.map(([owner, until]) => `${owner}:0:${until.toFixed(0)};`).join('') || null;
      },
      scores: (key) => {
        const name = key.slice(1, -'}:timeout'.length);
        const held = [...(state.semaphores.get(name)?.held ?? [])];
        return held.flatMap(([owner, { take, expiresAt }]) =>
          Array.from(
            { length: take },
            (_, index) => [memberOf(prefixOf(owner), index), expiresAt - process.mono()] as [string, number],
          ),
        );
      },
      lrange: (key) => [...(state.fair.get(fairLockOf('redisson_lock_queue', key) ?? '')?.keys() ?? [])],
      hexists: (key, owner) => read(key)?.owner === owner || holdersOf(key).some(([holder]) => holder === owner),
      hgetall: (key) => {
        const waited = fairLockOf('lock_places', key);
        if (waited !== undefined) {
          return [...(state.fair.get(waited) ?? [])].map(([owner, until]) => [owner, until.toFixed(0)]);
        }
        const owner = read(key)?.owner;
        if (owner !== undefined) return [[owner, '1']];
        return holdersOf(key).map(([holder]) => [holder, '1']);
      },
      // Tokens in memory are no keys and never expire.
      keys: (type) =>
        type === 'hash' ? NAMES.map((name) => keyPrefix + name).filter((key) => read(key) ?? holdersOf(key)[0]) : [],
    };
  }

  get subscriptions(): string[] {
    return [...this.state['listeners'].keys()];
  }
}

/** The lock that has a key for its waiters. */
function fairLockOf(prefix: string, key: string): string | undefined {
  return key.startsWith(`${prefix}:{`) ? key.slice(prefix.length + 2, -1) : undefined;
}

/** The hex digits of an owner that its permits have in Redis. */
function prefixOf(owner: string): string {
  const [uuid, number] = owner.split(':') as [string, string];
  return uuid.replaceAll('-', '').slice(0, 18) + Number(number).toString(16).padStart(10, '0');
}
