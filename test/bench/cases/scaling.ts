import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { measured, type CaseResult, type Measurement } from '../report/measurement.js';
import { TaskProcess } from '../tasks/task-process.js';
import type { BenchCase } from './case.js';
import { scaleProcesses } from './scaling-processes.js';

const ID = 'scaling';
const SIZES = [1, 10, 100, 1_000, 10_000];
const PROCESSES = [1, 2, 4, 8, 16, 32, 64];
const QUICK_SIZES = [1, 10_000];
const LIMIT_MS = 60_000;

/** What one more of them costs. */
type Unit = 'names' | 'waiters';

/** Who is compared: on many names the floors on Redis; on one name whoever has a queue, since 10,000 that poll never end. */
const COMPARED: Readonly<Record<Unit, readonly string[]>> = {
  names: ['nestjs-redis-lock', 'raw-ioredis', 'raw-ioredis-auto-pipelining'],
  waiters: ['nestjs-redis-lock', 'local-queue-raw-ioredis', 'async-mutex'],
};

/** What one more name, waiter or process costs, from one to many. */
export const scaling: BenchCase = {
  id: ID,
  title: 'Cost as work grows',
  measures:
    'Time and memory per unit: 1 to 10,000 callers on as many names, 1 to 10,000 callers on one name (both with nothing ' +
    'to do in the section), and 1 to 64 processes with one caller each on one name, with sections of 1 ms.',
  takesPart: ({ id }) => COMPARED.names.includes(id) || COMPARED.waiters.includes(id),
  async run(bench, entrants) {
    const measurements: Measurement[] = [];
    const failures: { contestant: string; reason: string }[] = [];
    const running = new Map<Entrant, TaskProcess>();
    try {
      for (const entrant of entrants) {
        const task = await TaskProcess.start(entrant, bench.url);
        running.set(entrant, task);
        // Lets V8 compile what it will run.
        const warmUp = { callers: 64, label: 'scaling:warm-up', durationMs: bench.options.quick ? 150 : 500 };
        await task.run('sweep', { ...warmUp, names: 64 }, LIMIT_MS);
        await task.run('sweep', { ...warmUp, names: 1 }, LIMIT_MS);
      }
      for (const count of bench.options.quick ? QUICK_SIZES : SIZES) {
        for (const unit of ['names', 'waiters'] as const) {
          measurements.push(...(await sweeps(bench, compared(running, unit), unit, count)));
        }
      }
      for (const [entrant, task] of running) {
        if (entrant.kind === 'own') measurements.push(...(await heap(bench, entrant, task)));
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      bench.say(reason);
      failures.push({ contestant: 'all', reason });
    } finally {
      await Promise.all([...running.values()].map((task) => task.kill()));
    }
    const processes = await scaleProcesses(
      bench,
      entrants.filter(({ id }) => ['nestjs-redis-lock', 'raw-ioredis'].includes(id)),
      { id: ID, sizes: PROCESSES },
    );
    return {
      id: ID,
      title: this.title,
      measurements: [...measurements, ...processes.measurements],
      failures: [...failures, ...processes.failures],
    } satisfies CaseResult;
  },
};

function compared(running: ReadonlyMap<Entrant, TaskProcess>, unit: Unit): [Entrant, TaskProcess][] {
  return [...running].filter(([{ id }]) => COMPARED[unit].includes(id));
}

/** Rounds in turn; in each, every caller takes its lock again and again. */
async function sweeps(
  { options }: Bench,
  running: readonly [Entrant, TaskProcess][],
  unit: Unit,
  count: number,
): Promise<Measurement[]> {
  const taken = running.map(([entrant]) => ({ entrant, micros: [] as number[], cpu: [] as number[], overlaps: 0 }));
  const durationMs = options.quick ? 100 : 300;
  const rounds = options.quick ? 1 : Math.min(3, options.rounds);
  // The first round is to warm up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, [entrant, task]] of running.entries()) {
      const label = `scaling:${entrant.id}:${unit}`;
      const ask = { callers: count, names: unit === 'names' ? count : 1, label, durationMs };
      const swept = await task.run('sweep', ask, LIMIT_MS);
      const of = taken[index];
      if (of === undefined || round === 0) continue;
      of.micros.push((Number(swept.ms) / Number(swept.sections)) * 1_000);
      of.cpu.push((Number(swept.cpuMs) / Number(swept.sections)) * 1_000);
      of.overlaps += Number(swept.overlaps);
    }
  }
  return taken.flatMap(({ entrant, micros, cpu, overlaps }) => {
    const what = { case: ID, contestant: entrant.id, at: { [unit]: count }, unit: 'µs', overlaps };
    return [
      measured({ ...what, metric: 'microsecondsPerSection' }, micros),
      measured({ ...what, metric: 'cpuMicrosecondsPerSection' }, cpu),
    ];
  });
}

/** What stays on the heap for each while all of them are held, or wait. */
async function heap({ options }: Bench, { id }: Entrant, task: TaskProcess): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const count of (options.quick ? QUICK_SIZES : SIZES).filter((size) => size >= 1_000)) {
    const add = (unit: Unit, metric: string, bytes: unknown): void => {
      const what = { case: ID, contestant: id, at: { [unit]: count }, metric, unit: 'bytes' };
      measurements.push(measured(what, [Number(bytes) / count]));
    };
    const held = await task.run('held', { count, label: 'scaling:held' }, LIMIT_MS);
    add('names', 'heapPerHeldLock', held.heap);
    const ask = { count, label: 'scaling:hot', serve: true, settleMs: 50 };
    const waiting = await task.run('waiting', ask, LIMIT_MS);
    add('waiters', 'heapPerWaiter', waiting.heap);
  }
  return measurements;
}
