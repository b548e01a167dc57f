import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { watchWaiters, type Crowd, type Watched } from '../driver/waiters.js';
import { measured, type CaseResult, type Measurement } from '../report/measurement.js';
import { representatives } from './ahead.js';
import type { BenchCase } from './case.js';

const ID = 'waiting';
/** Who sends more than this for a hundred waiters polls: its rate is known soon, and is that of its callers, in requests a second. */
const QUIET = 100;
const SHORT_MS = 1_500;
const LONG_MS = 5_000;
/** Our own only: each takes some seconds. */
const FURTHER = [
  { processes: 4, callers: 25 },
  { processes: 1, callers: 10_000 },
];

/** What it costs to wait. */
export const waiting: BenchCase = {
  id: ID,
  title: 'Waiting for a lock that another process holds',
  measures:
    '100 callers in one process wait for a lock that another process holds. Pollers are watched for 1.5 s. Libraries that send fewer than 100 requests a ' +
    'second are watched for 5 s, and of our own so are 25 callers in each of four processes and 10,000 in one. `requestsPerSecond` is everything from when ' +
    'they ask; `idleRequestsPerSecond` and the CPU begin a second later. MONITOR counts what comes over the connections of these processes, which slows the fastest pollers down.',
  takesPart: ({ exclusive, processes }) => exclusive && processes === 'many',
  async run(bench, entrants) {
    const found: Outcome[] = [];
    for (const entrant of representatives(bench, entrants)) {
      const own = entrant.kind === 'own';
      if (!own) {
        const first = await watch(bench, entrant, { processes: 1, callers: 100, watchMs: SHORT_MS });
        const { requestsPerSecond = Infinity, stuck = 0 } = first.watched ?? {};
        if (requestsPerSecond >= QUIET || stuck > 0) {
          found.push(first);
          continue;
        }
      }
      const further = own && !bench.options.quick ? FURTHER : [];
      for (const crowd of [{ processes: 1, callers: 100 }, ...further]) {
        found.push(await watch(bench, entrant, { ...crowd, watchMs: LONG_MS }));
      }
    }
    return result(this, found);
  },
};

interface Outcome {
  readonly entrant: Entrant;
  readonly crowd: Crowd;
  readonly watched?: Watched;
  readonly failure?: string;
}

async function watch(bench: Bench, entrant: Entrant, crowd: Crowd): Promise<Outcome> {
  try {
    return { entrant, crowd, watched: await watchWaiters(bench, entrant, crowd) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    bench.say(`${entrant.id}: ${reason}`);
    return { entrant, crowd, failure: `${crowd.processes} × ${crowd.callers} callers: ${reason}` };
  }
}

function result({ id, title }: BenchCase, found: readonly Outcome[]): CaseResult {
  return {
    id,
    title,
    measurements: found.flatMap(({ entrant, crowd, watched }) =>
      watched === undefined ? [] : measure(entrant, crowd, watched),
    ),
    failures: found.flatMap(({ entrant, failure }) =>
      failure === undefined ? [] : [{ contestant: entrant.id, reason: failure }],
    ),
  };
}

function measure(entrant: Entrant, { processes, callers }: Crowd, watched: Watched): Measurement[] {
  const { requestsPerSecond, idleRequestsPerSecond, cpuPercent, lastServedMs, overlaps, gaveUp, notes } = watched;
  const what = {
    case: ID,
    contestant: entrant.id,
    at: { processes, callers },
    overlaps,
    gaveUp,
    ...(notes.length === 0 ? {} : { note: notes.join('; ') }),
  };
  const add = (metric: string, unit: string, value: number): Measurement =>
    measured({ ...what, metric, unit }, [value]);
  return [
    add('requestsPerSecond', 'requests/s', requestsPerSecond),
    add('idleRequestsPerSecond', 'requests/s', idleRequestsPerSecond),
    add('cpuPercent', '% of a core', cpuPercent),
    add('lastServedMs', 'ms', lastServedMs),
  ];
}
