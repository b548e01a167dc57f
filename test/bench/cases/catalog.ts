import type { Bench } from '../bench.js';
import { now } from '../clock.js';
import type { Entrant } from '../contestants/index.js';
import { measured, type CaseResult, type Measurement } from '../report/measurement.js';
import { TaskProcess } from '../tasks/task-process.js';
import { playShop } from './catalog-shop.js';
import type { BenchCase } from './case.js';

const ID = 'catalog';
const REPLICAS = 4;
const READERS = 2_000;
const REBUILD_MS = 300;
/** Who takes longer is not waited for. */
const LIMIT_MS = 25_000;
/** No round is begun after so long. */
const ENOUGH_MS = 10_000;
const HEAD_START_MS = 50;
/** A round of 2,000 that poll takes many seconds, so only those peers take part that were quick with many callers on one name. */
const COMPARED = ['nestjs-redis-lock', 'redis-semaphore-fastest', 'redlock-universal-fastest'];

/** All readers at once at a cold cache. */
export const catalog: BenchCase = {
  id: ID,
  title: `Cold catalog, ${REPLICAS} replicas, ${READERS.toLocaleString('en')} readers at once`,
  measures:
    `At the level of the lock: ${REPLICAS} processes with ${READERS / REPLICAS} callers each on one name; who finds the ` +
    `cache cold rebuilds it in ${REBUILD_MS} ms, and the last caller has to be through soon after that. End to end: the ` +
    "sample's demo as it is, over HTTP, with a PostgreSQL and a proxy, compared with one reader alone. On few cores the " +
    'answers to the readers take most of that time, so the time for as many answers from a warm cache stands beside it.',
  takesPart: ({ id }) => COMPARED.includes(id),
  async run(bench, entrants) {
    const failures: { contestant: string; reason: string }[] = [];
    const measurements: Measurement[] = [];
    for (const entrant of entrants) {
      if (bench.options.quick && entrant.kind !== 'own') continue;
      const { rounds, failure } = await atTheLock(bench, entrant);
      measurements.push(...rounds);
      if (failure !== undefined) {
        bench.say(`${entrant.id}: ${failure}`);
        failures.push({ contestant: entrant.id, reason: failure });
      }
    }
    const own = entrants.find(({ kind }) => kind === 'own');
    // To build the sample and to start its database takes longer than most cases of a quick run.
    if (own !== undefined && !bench.options.quick) {
      const shop = await playShop(ID, own.id, bench);
      measurements.push(...shop.measurements);
      failures.push(...shop.failures);
    }
    return { id: ID, title: this.title, measurements, failures } satisfies CaseResult;
  },
};

/** Rounds of one contestant, until they are done or one takes too long. */
async function atTheLock(
  bench: Bench,
  entrant: Entrant,
): Promise<{ rounds: readonly Measurement[]; failure: string | undefined }> {
  const over: number[] = [];
  const rebuilds: number[] = [];
  let failure: string | undefined;
  const processes: TaskProcess[] = [];
  try {
    for (let replica = 0; replica < REPLICAS; replica += 1) {
      processes.push(await TaskProcess.start(entrant, bench.url));
    }
    const began = now();
    for (let round = 0; round <= bench.options.rounds && (round === 0 || now() - began < ENOUGH_MS); round += 1) {
      const ask = {
        name: `catalog:${entrant.id}:${round}`,
        readers: READERS / REPLICAS,
        rebuildMs: REBUILD_MS,
        startAt: now() + HEAD_START_MS,
      };
      const all = await Promise.all(processes.map((each) => each.run('rebuild', ask, LIMIT_MS)));
      // The first round is to warm up, unless it was so long that it is the only one.
      if (round === 0 && now() - began < ENOUGH_MS) continue;
      over.push((Math.max(...all.map(({ lastOut }) => Number(lastOut))) - ask.startAt) / REBUILD_MS);
      rebuilds.push(all.reduce((sum, each) => sum + Number(each.rebuilds), 0));
    }
  } catch (error) {
    failure = `at the lock: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await Promise.all(processes.map((each) => each.kill()));
  }
  const at = { replicas: REPLICAS, readers: READERS };
  const add = (metric: string, unit: string, values: readonly number[]): Measurement[] =>
    values.length === 0 ? [] : [measured({ case: ID, contestant: entrant.id, at, metric, unit }, values)];
  return {
    rounds: [
      ...add('lastReaderAtLock', '× the rebuild', over),
      // Everyone who was inside at once with the first would have found the cache cold, too.
      ...add('rebuildsAtLock', 'rebuilds', rebuilds),
    ],
    failure,
  };
}
