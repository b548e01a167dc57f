import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { measured, type Measurement } from '../report/measurement.js';
import { TaskProcess } from '../tasks/task-process.js';
import type { BenchCase } from './case.js';

const ID = 'renewals';
const LEASES = 10_000;
const LEASE_MS = 3_000;
const LIMIT_MS = 60_000;
/** Whose held locks renew themselves, and that let the length of the lease be chosen: see tasks/holders.mjs. */
const HOLDERS = ['nestjs-redis-lock', 'redis-semaphore', 'redlock-5'];

type Watched = Readonly<Record<string, number>>;

/** Many held leases that are kept alive. */
export const renewals: BenchCase = {
  id: ID,
  title: `${LEASES.toLocaleString('en')} held leases, renewed`,
  measures:
    `One process takes ${LEASES.toLocaleString('en')} locks, all asked for at once, with leases of ${LEASE_MS} ms that are ` +
    'renewed at a third of it, and keeps them. How long its event loop was blocked, by a histogram of Node and by an ' +
    'interval of 1 ms, compared with the same process before it had any lock. No lock may be lost. On a busy machine the ' +
    'wall clock also shows what other processes took; the CPU time of the longest gap does not.',
  takesPart: ({ id }) => HOLDERS.includes(id),
  async run(bench, entrants) {
    const measurements: Measurement[] = [];
    const failures: { contestant: string; reason: string }[] = [];
    for (const entrant of entrants) {
      if (bench.options.quick && entrant.kind !== 'own') continue;
      try {
        measurements.push(...(await renewalsOf(bench, entrant)));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        bench.say(`${entrant.id}: ${reason}`);
        failures.push({ contestant: entrant.id, reason });
      }
    }
    return { id: ID, title: this.title, measurements, failures };
  },
};

async function renewalsOf(bench: Bench, entrant: Entrant): Promise<Measurement[]> {
  const { quick } = bench.options;
  const rounds = Math.min(quick ? 2 : entrant.kind === 'own' ? Infinity : 3, bench.options.rounds);
  const roundMs = quick ? (LEASE_MS * 2) / 3 : LEASE_MS;
  const task = await TaskProcess.start(entrant, bench.url, false);
  const step = (name: string, ask: object = {}): Promise<Watched> =>
    task.run('renew', { step: name, ...ask }, LIMIT_MS) as Promise<Watched>;
  try {
    await step('open', { leaseMs: LEASE_MS });
    await step('watch', { ms: 200 });
    const idle: Watched[] = [];
    for (let round = 0; round < rounds; round += 1) idle.push(await step('watch', { ms: roundMs / 4 }));
    await step('hold', { count: LEASES, label: `renewals:${entrant.id}` });
    const busy: Watched[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = await calls(bench);
      const watched = await step('watch', { ms: roundMs });
      const after = await calls(bench);
      // What each lock costs in the time in which it is renewed once.
      const perRenewal = LEASE_MS / 3 / roundMs / LEASES;
      busy.push({
        ...watched,
        requests: (after.requests - before.requests) * perRenewal,
        commands: (after.commands - before.commands) * perRenewal,
      });
    }
    const { lost = Number.NaN } = await step('release');
    await step('close');
    return measurementsOf(entrant.id, idle, busy, lost, roundMs);
  } finally {
    await task.kill();
  }
}

function measurementsOf(
  contestant: string,
  idle: readonly Watched[],
  busy: readonly Watched[],
  lost: number,
  roundMs: number,
): Measurement[] {
  const add = (metric: string, unit: string, from: readonly Watched[], of: (watched: Watched) => number): Measurement =>
    measured({ case: ID, contestant, at: { leases: LEASES }, metric, unit }, from.map(of));
  const value =
    (key: string) =>
    (watched: Watched): number =>
      watched[key] ?? Number.NaN;
  // The histogram and the interval see the same; each can miss a part of a block, none can see too much.
  const block = ({ intervalGapMs = 0, histogramMaxMs = 0 }: Watched): number => Math.max(intervalGapMs, histogramMaxMs);
  const renewalsInRound = (roundMs / (LEASE_MS / 3)) * LEASES;
  return [
    add('longestBlockMs', 'ms', busy, block),
    add('longestBlockIdleMs', 'ms', idle, block),
    add('longestBlockCpuMs', 'ms', busy, value('gapCpuMs')),
    add('longestBlockIdleCpuMs', 'ms', idle, value('gapCpuMs')),
    add('intervalGapMs', 'ms', busy, value('intervalGapMs')),
    add('histogramMaxMs', 'ms', busy, value('histogramMaxMs')),
    add('collectionMs', 'ms', busy, value('collectionMs')),
    add('cpuMicrosecondsPerRenewal', 'µs', busy, ({ cpuMs = 0 }) => (cpuMs / renewalsInRound) * 1_000),
    add('requestsPerRenewal', 'requests', busy, value('requests')),
    add('commandsPerRenewal', 'commands', busy, value('commands')),
    add('timers', 'timers', busy, value('timers')),
    measured({ case: ID, contestant, at: { leases: LEASES }, metric: 'lost', unit: 'locks' }, [lost]),
  ];
}

/** What the server was asked so far, and all that it ran, commands inside scripts included. All of them renew by a script. */
async function calls({ traffic }: Bench): Promise<{ requests: number; commands: number }> {
  let [requests, commands] = [0, 0];
  for (const [, name, count] of (await traffic.redis.info('commandstats')).matchAll(/^cmdstat_(.+):calls=(\d+),/gm)) {
    if (name === 'info') continue;
    commands += Number(count);
    if (name === 'eval' || name === 'evalsha') requests += Number(count);
  }
  return { requests, commands };
}
