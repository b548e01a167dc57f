import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { measured, type CaseResult, type Measurement } from '../report/measurement.js';
import { TaskProcess } from '../tasks/task-process.js';
import type { BenchCase } from './case.js';

const ID = 'memory';
const LIMIT_MS = 60_000;
/** Polling libraries set a timer or a request per waiter: they are there after this long. */
const SETTLE_MS = 300;
const REPEATS = 3;

/** What a process, and the server, keeps for each lock that is held, waited for, or was used once. */
export const memory: BenchCase = {
  id: ID,
  title: 'Memory',
  measures:
    'Bytes of the heap after forced garbage collections, per held lock, per caller that waits for one lock, and per name ' +
    'that was used once; and what the server needs for a held lock and keeps of a used name. The holders, waiters and ' +
    'names are all there at the same time; a first round warms up.',
  takesPart: ({ exclusive, setting, id }) => exclusive && setting === 'default' && id !== 'end-to-end',
  async run(bench, entrants) {
    const measurements: Measurement[] = [];
    const failures: { contestant: string; reason: string }[] = [];
    for (const entrant of entrants) {
      try {
        measurements.push(...(await memoryOf(bench, entrant)));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        bench.say(`${entrant.id}: ${reason}`);
        failures.push({ contestant: entrant.id, reason });
      }
    }
    return { id: ID, title: this.title, measurements, failures } satisfies CaseResult;
  },
};

async function memoryOf(bench: Bench, entrant: Entrant): Promise<Measurement[]> {
  const count = bench.options.quick ? 500 : 2_000;
  const repeats = bench.options.quick ? 1 : REPEATS;
  const task = await TaskProcess.start(entrant, bench.url);
  const add = (metric: string, bytes: readonly number[]): Measurement =>
    measured({ case: ID, contestant: entrant.id, at: { count }, metric, unit: 'bytes' }, bytes.map(perUnit));
  const perUnit = (bytes: number): number => bytes / count;
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
    const before = await serverBytes(bench);
    const used = await task.run('used', { count, label: `memory:${entrant.id}:used`, lingerMs: 1_500 }, LIMIT_MS);
    usedHeap.push(Number(used.heap));
    usedServer.push((await serverBytes(bench)) - before);
    const ask = { count, label: `memory:${entrant.id}:waited-for`, serve: false, settleMs: SETTLE_MS };
    const waiting = await task.run('waiting', ask, LIMIT_MS);
    return [
      add('heapPerHeldLock', heldHeap),
      add('heapPerWaiter', [Number(waiting.heap)]),
      add('heapPerUsedName', usedHeap),
      ...(entrant.client === 'none' ? [] : [add('serverPerUsedName', usedServer)]),
    ];
  } finally {
    // Its waiters still wait, so it is not asked to end in order.
    await task.kill();
  }
}

/** What the server's data take, without the buffers of its connections. */
async function serverBytes({ traffic }: Bench): Promise<number> {
  const info = await traffic.redis.info('memory');
  const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN);
  return field('used_memory') - field('mem_clients_normal');
}
