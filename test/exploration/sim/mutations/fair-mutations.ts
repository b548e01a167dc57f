import type { MemoryFair } from '../../../../lib/stores/memory/memory-fair.js';
import type { RedisKind } from '../../../../lib/stores/redis/redis-kind.js';
import type { LocalQueues } from '../../../../lib/waiting/local-queues.js';
import { replace } from '../library/replacement.js';
import { FAIR_MODELS } from '../redis/fair-models.js';
import type { Keyspace } from '../redis/keyspace.js';
import { millisOf, PLACE_MS } from '../redis/places.js';
import type { Argument, ScriptModel } from '../redis/script-model.js';
import { release as releaseExclusive } from '../redis/script-models.js';
import { quiet, seeing } from './faulty-scripts.js';
import { keepingLatePlace, keepingPlace } from './faulty-waiting.js';
import {
  BETWEEN_LOCAL_CALLERS,
  DEAD_WAITER,
  LEFT_ALONE_WHILE_KEPT,
  LEFT_WHILE_KEPT,
  LONG_WAITS,
} from './fair-schedules.js';
import { MEMORY, SINGLE, type ListedMutation } from './mutation.js';
import { LATE_PLACE } from './script-schedules.js';

const { ACQUIRE_FAIR: acquire, RELEASE_FAIR: release } = FAIR_MODELS as Record<string, ScriptModel>;

const IN_MEMORY = 'stores/memory/memory-fair';

/** Where the first request's owner and whether it waits are among the arguments of ACQUIRE_FAIR. */
const [OWNER, WAITS] = [3, 4];

const isPlaces = (key: string): boolean => key.startsWith('lock_places:');

/** Every place ends in 5 s. */
const neverLate = (redis: Keyspace): Partial<Keyspace> => ({
  hget: (key, field) => {
    const value = redis.hget(key, field);
    return isPlaces(key) ? value?.replace(/\d+$/, String(millisOf(redis) + PLACE_MS)) : value;
  },
});

/** A place lasts as long as it did at first. */
const unrefreshed = (redis: Keyspace): Partial<Keyspace> => ({
  hset: (key, field, value) => {
    if (!isPlaces(key) || !redis.hexists(key, field)) redis.hset(key, field, value);
  },
});

/** Nobody is next. */
const alone = (): Partial<Keyspace> => ({ lrange: () => [] });

/** The caller gets a place in any case, and the reply says that it has none. */
const placeForAll: ScriptModel = (keys, args, redis, publish) => {
  if (String(args[WAITS]) === '1' || keys.length > 5) return acquire!(keys, args, redis, publish);
  const reply = acquire!(keys, args.with(WAITS, 1), redis, publish);
  return Array.isArray(reply) ? [reply[0], String(reply[1]).replace(/1$/, '0')] : reply;
};

const atTheFront = (redis: Keyspace): Partial<Keyspace> => ({
  rpush: (key, item) => {
    const [head] = redis.lrange(key);
    if (head === undefined) redis.rpush(key, item);
    else redis.linsert(key, head, item);
  },
});

const keeping = (owner: string, redis: Keyspace): Partial<Keyspace> => ({
  lrem: (key, item) => {
    if (item !== owner) redis.lrem(key, item);
  },
  zrem: (key, item) => item !== owner && redis.zrem(key, item),
  hdel: (key, item) => (item !== owner || !isPlaces(key)) && redis.hdel(key, item),
});

const withoutLeaving = seeing(release!, (redis, args) => ({
  hget: (key, field) => (args.slice(5).includes(field) ? undefined : redis.hget(key, field)),
}));

/** The channel of all waiters in place of that of one. */
const toAll: ScriptModel = (keys, args, redis, publish) =>
  release!(keys, args, redis, (channel, message) => publish(channel.replace(/\}.*$/, '}'), message));

/** The last waiter in place of the next one. */
const toLast: ScriptModel = (keys, args, redis, publish) =>
  release!(keys, args, redis, (channel, message) => {
    const lock = /(\{.*\}):/.exec(channel)?.[1];
    const last = lock === undefined ? undefined : redis.lrange(`redisson_lock_queue:${lock}`).at(-1);
    return publish(last === undefined ? channel : channel.replace(/\}.*$/, `}:${last}`), message);
  });

/** A waiter that leaves tells another one only of a lock that is free. */
const tellingOfFree: ScriptModel = (keys, args, redis, publish) =>
  release!(keys, args, redis, isKept(keys, args, redis) ? () => 0 : publish);

/** Whether an owner leaves that waits for a lock that is taken. */
const isKept = ([lock]: readonly string[], args: readonly Argument[], redis: Keyspace): boolean =>
  !redis.hexists(lock!, String(args[5])) && redis.pttl(lock!) !== -2;

/** Only waiters in the queue are told. */
const toQueue =
  (when: typeof isKept): ScriptModel =>
  (keys, args, redis, publish) =>
    release!(keys, args, redis, (channel, message) =>
      channel.endsWith('}') && when(keys, args, redis) ? 0 : publish(channel, message),
    );

/** Faults in what is special about fair locks. */
export const FAIR_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'a waiter that is gone is not dropped',
    nodes: SINGLE,
    mode: 'fair',
    models: { ACQUIRE_FAIR: seeing(acquire!, neverLate), RELEASE_FAIR: seeing(release!, neverLate) },
    examples: DEAD_WAITER,
  },
  {
    name: 'a caller takes the lock although another one is next',
    nodes: SINGLE,
    mode: 'fair',
    models: { ACQUIRE_FAIR: seeing(acquire!, alone) },
  },
  {
    name: 'a new waiter goes before the others',
    nodes: SINGLE,
    mode: 'fair',
    models: { ACQUIRE_FAIR: seeing(acquire!, atTheFront) },
  },
  {
    name: 'a waiter that asks again does not keep its place for longer',
    nodes: SINGLE,
    mode: 'fair',
    models: { ACQUIRE_FAIR: seeing(acquire!, unrefreshed) },
    examples: LONG_WAITS,
  },
  {
    name: 'a caller that does not wait gets a place',
    nodes: SINGLE,
    mode: 'fair',
    models: { ACQUIRE_FAIR: placeForAll },
  },
  {
    name: 'a caller that gets the lock keeps its place',
    nodes: SINGLE,
    mode: 'fair',
    models: { ACQUIRE_FAIR: seeing(acquire!, (redis, args) => keeping(String(args[OWNER]), redis)) },
  },
  {
    name: 'a release does not remove the place of a waiter',
    nodes: SINGLE,
    mode: 'fair',
    models: { RELEASE_FAIR: withoutLeaving },
  },
  {
    name: 'a release notifies all waiters of a fair lock',
    nodes: SINGLE,
    mode: 'fair',
    models: { RELEASE_FAIR: toAll },
  },
  {
    name: 'a release notifies the last waiter',
    nodes: SINGLE,
    mode: 'fair',
    models: { RELEASE_FAIR: toLast },
  },
  {
    name: 'no notification when a fair lock is released',
    nodes: SINGLE,
    mode: 'fair',
    models: { RELEASE_FAIR: quiet(release!) },
  },
  {
    name: 'the next waiter is not notified of a lock that is kept when the one before it leaves',
    nodes: SINGLE,
    mode: 'fair',
    models: { RELEASE_FAIR: tellingOfFree },
    examples: LEFT_WHILE_KEPT,
  },
  {
    name: 'exclusive callers are not notified of a lock that is kept when the last waiter leaves',
    nodes: SINGLE,
    mode: 'fair',
    models: { RELEASE_FAIR: toQueue(isKept) },
    examples: LEFT_ALONE_WHILE_KEPT,
  },
  {
    name: 'exclusive callers are not notified when a fair lock is released',
    nodes: SINGLE,
    mode: 'fair',
    models: { RELEASE_FAIR: toQueue(() => true) },
  },
  {
    name: 'waiters for a fair lock are not notified when an exclusive caller releases it',
    nodes: SINGLE,
    mode: 'fair',
    models: { RELEASE: quiet(releaseExclusive) },
  },
  {
    name: 'a waiter does not listen to its own channel',
    nodes: SINGLE,
    mode: 'fair',
    replacements: [
      replace<RedisKind['subscribe'], RedisKind>('stores/redis/redis-kind', 'RedisKind.subscribe', (subscribe) => {
        return function (name, onNotification) {
          return subscribe.call(this, name, onNotification, '');
        };
      }),
    ],
  },
  {
    name: 'a waiter for a fair lock that leaves keeps its place',
    nodes: [0, 1],
    mode: 'fair',
    replacements: [keepingPlace],
  },
  {
    name: 'a place for a fair lock is not taken back that a closed connection brings late',
    nodes: SINGLE,
    mode: 'fair',
    replacements: [keepingLatePlace],
    examples: LATE_PLACE,
  },
  {
    name: 'a process hands a fair lock over to its own callers',
    nodes: [0, 1],
    mode: 'fair',
    replacements: [
      replace<LocalQueues['join'], LocalQueues>('waiting/local-queues', 'LocalQueues.join', (join) => {
        return function (...args) {
          const { rules } = this['context'];
          const shared = { ...rules, perCaller: false, maxTokens: Infinity };
          if (rules.perCaller) Object.assign(this['context'], { rules: shared });
          return join.apply(this, args);
        };
      }),
    ],
    examples: BETWEEN_LOCAL_CALLERS,
  },
  {
    name: 'a caller takes a lock in memory although another one is next',
    nodes: MEMORY,
    mode: 'fair',
    replacements: [replace(IN_MEMORY, 'nextOf', () => () => undefined)],
  },
  {
    name: 'the last waiter in memory goes first',
    nodes: MEMORY,
    mode: 'fair',
    replacements: [
      replace<(places: Map<string, number>) => string | undefined>(IN_MEMORY, 'nextOf', () => (places) => {
        return [...places.keys()].at(-1);
      }),
    ],
  },
  {
    name: 'a waiter in memory that asks again does not keep its place for longer',
    nodes: MEMORY,
    mode: 'fair',
    replacements: [
      replace<MemoryFair['acquire'], MemoryFair>(IN_MEMORY, 'MemoryFair.acquire', (original) => {
        return async function (request) {
          const key = await this['host'].keyOf(request.name);
          const until = this['placesOf'](key).get(request.owner);
          const reply = await original.call(this, request);
          const places = this['placesOf'](key);
          if (until !== undefined && places.has(request.owner)) places.set(request.owner, until);
          return reply;
        };
      }),
    ],
    examples: LONG_WAITS,
  },
  {
    name: 'a caller in memory that does not wait gets a place',
    nodes: MEMORY,
    mode: 'fair',
    replacements: [
      replace<MemoryFair['acquire'], MemoryFair>(IN_MEMORY, 'MemoryFair.acquire', (original) => {
        return async function (request) {
          const reply = await original.call(this, { ...request, waits: true });
          return reply.taken ? reply : { ...reply, queued: request.waits };
        };
      }),
    ],
  },
  {
    name: 'a caller that gets a lock in memory keeps its place',
    nodes: MEMORY,
    mode: 'fair',
    replacements: [
      replace<MemoryFair['acquire'], MemoryFair>(IN_MEMORY, 'MemoryFair.acquire', (original) => {
        return async function (request) {
          const key = await this['host'].keyOf(request.name);
          const places = [...this['placesOf'](key)];
          const reply = await original.call(this, request);
          if (reply.taken) this['state'].fair.set(key, new Map(places));
          return reply;
        };
      }),
    ],
  },
  {
    name: 'a release in memory does not remove the place of a waiter',
    nodes: MEMORY,
    mode: 'fair',
    replacements: [
      replace<MemoryFair['release'], MemoryFair>(IN_MEMORY, 'MemoryFair.release', (original) => {
        return async function (name, owner, keepMs) {
          const key = await this['host'].keyOf(name);
          const places = [...this['placesOf'](key)];
          const reply = await original.call(this, name, owner, keepMs);
          if (!reply.held) this['state'].fair.set(key, new Map(places));
          return reply;
        };
      }),
    ],
  },
  {
    name: 'a release in memory notifies all waiters of a fair lock',
    nodes: MEMORY,
    mode: 'fair',
    replacements: [
      replace<MemoryFair['release'], MemoryFair>(IN_MEMORY, 'MemoryFair.release', (original) => {
        return function (name, owner, keepMs) {
          const { host } = this as unknown as { host: MemoryFair['host'] };
          const common = { ...host, notify: (channel: string) => host.notify(lockIn(channel)) };
          return original.call(Object.assign(Object.create(this) as MemoryFair, { host: common }), name, owner, keepMs);
        };
      }),
    ],
  },
];

/** The lock whose waiter has the channel. */
function lockIn(channel: string): string {
  return channel.split(' ')[1] ?? channel;
}
