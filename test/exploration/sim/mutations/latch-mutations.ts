import type { Latch } from '../../../../lib/latch.js';
import type { MemoryLatches } from '../../../../lib/stores/memory/memory-latches.js';
import type { MemoryState } from '../../../../lib/stores/memory/memory-state.js';
import type { RedisLatches } from '../../../../lib/stores/redis/redis-latches.js';
import type { Waiters } from '../../../../lib/waiting/waiters.js';
import { replace } from '../library/replacement.js';
import { LATCH_MODELS } from '../redis/latch-models.js';
import type { ScriptModel } from '../redis/script-model.js';
import { quiet, seeing } from './faulty-scripts.js';
import { resubscribingQuietly, tryingOnce } from './faulty-waiting.js';
import { LATE_OPEN, OPEN_BEFORE_SUBSCRIBED, OPEN_UNNOTICED } from './latch-schedules.js';
import { MEMORY, SINGLE, type ListedMutation } from './mutation.js';

const { LATCH: latch } = LATCH_MODELS as Record<string, ScriptModel>;

const IN_MEMORY = 'stores/memory/memory-latches';

/** Where the count is among the arguments of LATCH. */
const COUNT = 7;

const ofLatch = { nodes: SINGLE, mode: 'latch' } as const;
const inMemory = { nodes: MEMORY, mode: 'latch' } as const;

/** Faults in what is special about latches. */
export const LATCH_MUTATIONS: readonly ListedMutation[] = [
  {
    ...ofLatch,
    name: 'a request of a latch that arrives again counts again',
    models: { LATCH: seeing(latch!, () => ({ zscore: () => undefined })) },
  },
  {
    ...ofLatch,
    name: 'a request of a latch is forgotten after a second',
    models: {
      LATCH: seeing(latch!, (redis) => ({
        zrange: (key) => redis.zrange(key).map(([id, at]) => [id, at > redis.time() / 1_000 - 1_000 ? at : 0]),
      })),
    },
  },
  {
    ...ofLatch,
    name: 'a call that counts a latch down counts again when it is sent again',
    replacements: [
      replace<Latch['repeat'], Latch>('latch', 'Latch.repeat', (repeat) => {
        return function (request) {
          let sent = 0;
          return repeat.call(this, (id) => request(`${id}${(sent += 1) > 1 ? sent : ''}`));
        };
      }),
    ],
  },
  {
    ...ofLatch,
    name: 'a request of a latch that fails is not sent again',
    replacements: [
      replace<Latch['repeat'], Latch>('latch', 'Latch.repeat', (repeat) => {
        return function (request) {
          return repeat.call(Object.create(this, { host: { value: { ...this['host'], retryMs: 0 } } }), request);
        };
      }),
    ],
  },
  {
    ...ofLatch,
    name: 'a latch opens one count early',
    models: { LATCH: seeing(latch!, (redis) => ({ get: (key) => (redis.get(key) === '2' ? '1' : redis.get(key)) })) },
  },
  {
    ...ofLatch,
    name: 'a latch that is closed is set again',
    models: {
      LATCH: (keys, args, redis, publish) =>
        (args[0] === 'set' ? seeing(latch!, () => ({ get: () => null })) : latch!)(keys, args, redis, publish),
    },
  },
  {
    ...ofLatch,
    name: 'a latch is set to one count more',
    models: {
      LATCH: (keys, args, ...more) =>
        latch!(keys, args[0] === 'set' ? args.with(COUNT, Number(args[COUNT]) + 1) : args, ...more),
    },
  },
  {
    ...ofLatch,
    name: 'a latch that is open keeps its key',
    models: { LATCH: seeing(latch!, (redis) => ({ del: (key) => (redis.set(key, '0'), true) })) },
  },
  { ...ofLatch, name: 'no notification when a latch opens', models: { LATCH: quiet(latch!) } },
  {
    ...ofLatch,
    name: 'waiters for a latch are not told after a reconnection',
    replacements: [resubscribingQuietly],
    examples: [OPEN_UNNOTICED],
  },
  {
    ...ofLatch,
    name: 'no second look at a latch after subscribing',
    replacements: [tryingOnce],
    examples: OPEN_BEFORE_SUBSCRIBED,
  },
  {
    ...ofLatch,
    name: 'a waiter passes a latch that has to be counted down once more',
    replacements: [
      replace<RedisLatches['count'], RedisLatches>('stores/redis/redis-latches', 'RedisLatches.count', (count) => {
        return async function (name) {
          const left = await count.call(this, name);
          return left === 1 ? 0 : left;
        };
      }),
    ],
  },
  {
    ...ofLatch,
    name: 'a latch is open for callers that came after the request',
    replacements: [
      replace<Waiters['serveAll'], Waiters>('waiting/waiters', 'Waiters.serveAll', () => {
        return function (hold) {
          while (this.first !== null) this.serveFirst(hold);
        };
      }),
    ],
    examples: LATE_OPEN,
  },
  {
    ...inMemory,
    name: 'no notification when a latch in memory opens',
    replacements: [replace<MemoryState['notify']>('stores/memory/memory-state', 'MemoryState.notify', () => () => 0)],
  },
  {
    ...inMemory,
    name: 'a latch in memory that is closed is set again',
    replacements: [
      replace<MemoryLatches['trySetCount'], MemoryLatches>(IN_MEMORY, 'MemoryLatches.trySetCount', () => {
        return async function (name, count) {
          this['counts'].set(await this['host'].keyOf(name), count);
          return true;
        };
      }),
    ],
  },
  {
    ...inMemory,
    name: 'a latch in memory opens one count early',
    replacements: [
      replace<MemoryLatches['countDown'], MemoryLatches>(IN_MEMORY, 'MemoryLatches.countDown', (countDown) => {
        return async function (name) {
          const left = await countDown.call(this, name);
          return left === 1 ? countDown.call(this, name) : left;
        };
      }),
    ],
  },
  {
    ...inMemory,
    name: 'a waiter passes a latch in memory that has to be counted down once more',
    replacements: [
      replace<MemoryLatches['count'], MemoryLatches>(IN_MEMORY, 'MemoryLatches.count', (count) => {
        return async function (name) {
          const left = await count.call(this, name);
          return left === 1 ? 0 : left;
        };
      }),
    ],
  },
];
