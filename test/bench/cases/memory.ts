import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { measured, type CaseResult, type Measurement } from '../report/measurement.js';
import { TaskProcess } from '../tasks/task-process.js';
import type { BenchCase } from './case.js';

const ID = 'memory';
const LIMIT_MS = 60_000;
/** Polling libraries set a timer or a request per waiter: they are there after this long. */
const SETTLE_MS = 300;
const REPEATS = 2;
const QUICK = ['nestjs-redis-lock', 'raw-ioredis'];

/** What a process, and the server, keeps for each lock that is held, waited for, or was used once. */
export const memory: BenchCase = {
  id: ID,
  title: 'Memory',
  measures:
    'Bytes of the heap after forced garbage collections, per held lock, per caller that waits for one lock, and per name ' +
    'that was used once and is free again; and what the server keeps of such a name. 2,000 locks are held at the same time, ' +
    '2,000 callers wait at the same time, 10,000 names are used; before that a round of each warms up.',
  takesPart: ({ exclusive, setting, id }) => exclusive && setting === 'default' && id !== 'end-to-end',
  async run(bench, entrants) {
    const measurements: Measurement[] = [];
    const failures: { contestant: string; reason: string }[] = [];
    const left = entrants.filter(({ id }) => !bench.options.quick || QUICK.includes(id));
    const work = async (): Promise<void> => {
      for (let entrant = left.shift(); entrant !== undefined; entrant = left.shift()) {
        try {
          measurements.push(...(await memoryOf(bench, entrant)));
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          bench.say(`${entrant.id}: ${reason}`);
          failures.push({ contestant: entrant.id, reason });
        }
      }
    };
    // No time is measured here, so that two can be at it at once.
    await Promise.all([work(), work()]);
    return { id: ID, title: this.title, measurements, failures } satisfies CaseResult;
  },
};

async function memoryOf(bench: Bench, entrant: Entrant): Promise<Measurement[]> {
  const { quick } = bench.options;
  const count = quick ? 500 : 2_000;
  // What is left of one is little: many are needed to tell it from what comes and goes.
  const names = quick ? 2_000 : 10_000;
  const repeats = quick ? 1 : REPEATS;
  const task = await TaskProcess.start(entrant, bench.url);
  const add = (metric: string, bytes: readonly number[], of: number): Measurement => {
    const what = { case: ID, contestant: entrant.id, metric, unit: 'bytes' };
    return measured(
      what,
      bytes.map((all) => all / of),
    );
  };
  try {
    const heldHeap: number[] = [];
    const usedHeap: number[] = [];
    const usedServer: number[] = [];
    // The first of each fills caches and lets V8 compile: it is not counted.
    for (let repeat = 0; repeat <= repeats; repeat += 1) {
      const held = await task.run('held', { count, label: `memory:${entrant.id}:held` }, LIMIT_MS);
      if (repeat > 0) heldHeap.push(Number(held.heap));
    }
    await task.run('used', { count: 500, label: `memory:${entrant.id}:warm-up`, lingerMs: 0 }, LIMIT_MS);
    const label = `memory:${entrant.id}:used`;
    const used = await task.run('used', { count: names, label, lingerMs: 1_500 }, LIMIT_MS);
    usedHeap.push(Number(used.heap));
    usedServer.push(await serverBytes(bench, label));
    const ask = { count, label: `memory:${entrant.id}:waited-for`, serve: false, settleMs: SETTLE_MS };
    const waiting = await task.run('waiting', ask, LIMIT_MS);
    return [
      add('heapPerHeldLock', heldHeap, count),
      add('heapPerWaiter', [Number(waiting.heap)], count),
      add('heapPerUsedName', usedHeap, names),
      ...(entrant.client === 'none' ? [] : [add('serverPerUsedName', usedServer, names)]),
    ];
  } finally {
    // Its waiters still wait, so it is not asked to end in order.
    await task.kill();
  }
}

/** What the server keeps of all names that begin with `label`. */
async function serverBytes({ traffic: { redis } }: Bench, label: string): Promise<number> {
  const keys: string[] = [];
  for await (const found of redis.scanStream({ match: `*${label}:*`, count: 5_000 })) keys.push(...(found as string[]));
  // All of them are alike.
  const sample = keys.slice(0, 100);
  const sizes = await Promise.all(sample.map((key) => redis.memory('USAGE', key)));
  const sum = sizes.reduce((total: number, size) => total + Number(size), 0);
  return keys.length === 0 ? 0 : (sum / sample.length) * keys.length;
}
