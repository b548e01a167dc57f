import type * as Stampede from '../../../sample-app/lab/demo/stampede.js';
import { stopOnExit } from '../../../sample-app/services/cleanup.js';
import type * as Backing from '../../../sample-app/lab/launch/backing.js';
import { buildSample } from '../../sample/built-sample.js';
import type { Bench } from '../bench.js';
import { measured, type CaseResult, type Measurement } from '../report/measurement.js';

const REPLICAS = 4;
const READERS = 2_000;
const QUERY_MS = 300;

/** The sample's demo: its own readers, replicas, proxy and database, and its own counts. */
export async function playShop(
  id: string,
  contestant: string,
  bench: Bench,
): Promise<Pick<CaseResult, 'measurements' | 'failures'>> {
  const measurements: Measurement[] = [];
  const failures: { contestant: string; reason: string }[] = [];
  const sample = await buildSample();
  const forget = stopOnExit({ stop: async () => sample.remove(), stopNow: () => sample.remove() });
  // The demo takes the Redis of the run, and its PostgreSQL where it finds one.
  const redisBefore = process.env.REDIS_URL;
  process.env.REDIS_URL = bench.url;
  try {
    const { stampede, lastOf } = (await import(new URL('lab/demo/stampede.js', sample.folder).href)) as typeof Stampede;
    const { startBacking } = (await import(new URL('lab/launch/backing.js', sample.folder).href)) as typeof Backing;
    const backing = await startBacking();
    try {
      const rounds = Math.min(3, bench.options.rounds);
      const ratios: number[] = [];
      const warm: number[] = [];
      const alone: number[] = [];
      const rebuilds: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const result = await stampede({
          backing,
          guard: 'with-lock',
          replicas: REPLICAS,
          readers: READERS,
          queryMs: QUERY_MS,
          onServed: () => undefined,
          measureWarm: true,
        });
        const wrong = result.served.filter(({ error }) => error !== '');
        if (wrong.length > 0) throw new Error(`${wrong.length} readers got no catalog: ${wrong[0]?.error ?? ''}`);
        ratios.push(lastOf(result.served) / result.aloneMs);
        warm.push(result.warmMs / result.aloneMs);
        alone.push(result.aloneMs);
        rebuilds.push(result.rebuilds);
      }
      const add = (metric: string, unit: string, values: readonly number[]): void => {
        const at = { replicas: REPLICAS, readers: READERS };
        measurements.push(measured({ case: id, contestant, at, metric, unit }, values));
      };
      add('lastReaderEndToEnd', '× one reader alone', ratios);
      add('warmReadersEndToEnd', '× one reader alone', warm);
      add('oneReaderAloneMs', 'ms', alone);
      add('rebuildsEndToEnd', 'rebuilds', rebuilds);
    } finally {
      await backing.stop();
    }
  } catch (error) {
    const reason = `the sample's demo: ${error instanceof Error ? error.message : String(error)}`;
    bench.say(reason);
    failures.push({ contestant, reason });
  } finally {
    if (redisBefore === undefined) delete process.env.REDIS_URL;
    else process.env.REDIS_URL = redisBefore;
    sample.remove();
    forget();
  }
  return { measurements, failures };
}
