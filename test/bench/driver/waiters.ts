import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import { now } from '../clock.js';
import type { Entrant } from '../contestants/index.js';
import { countRequests, linesOf } from '../measures/monitor.js';
import { overlapsBetween } from '../measures/overlaps-between.js';
import { HEAD_START_MS, type Crew } from './crew.js';

/** Callers that all wait for one lock. */
export interface Crowd {
  readonly processes: number;
  /** Of each process. */
  readonly callers: number;
  /** For how long they are watched. */
  readonly watchMs: number;
}

/** Connections that are made only when somebody has to wait are made before. */
const WARM_UP: Pick<Crowd, 'callers' | 'watchMs'> = { callers: 1, watchMs: 50 };

/** What was seen of them. */
export interface Watched {
  /** Of all of them together, from when they asked. */
  readonly requestsPerSecond: number;
  /** The same without the time in which they arrived. */
  readonly idleRequestsPerSecond: number;
  /** Of all their processes together, after they arrived; of one core. */
  readonly cpuPercent: number;
  /** From when the lock was given up until the last of them had had it. */
  readonly lastServedMs: number;
  readonly overlaps: number;
  readonly gaveUp: number;
  /** Callers that did not come back in time after the lock was given up. */
  readonly stuck: number;
  readonly notes: readonly string[];
}

/** The holder has the lock so long before the others ask, and so long after they were watched, in ms. */
const MARGIN_MS = 200;
const SETTLE_MS = 1_000;
const DRAIN_MS = 5_000;
const QUICK_DRAIN_MS = 1_500;

let serial = 0;

/**
 * One process takes a lock, all callers of a crowd ask for it, and are watched while they wait in vain.
 *
 * @throws Error if the contestant cannot be started or does not answer, or did not keep the lock
 */
export async function watchWaiters(bench: Bench, entrant: Entrant, crowd: Crowd): Promise<Watched> {
  // The process after those that wait holds the lock.
  const waiters = await bench.crews.get(entrant, crowd.processes);
  const holders = await bench.crews.get(entrant, 1, crowd.processes);
  try {
    await watchCrews(bench, holders, waiters, { ...crowd, ...WARM_UP });
    const watched = await watchCrews(bench, holders, waiters, crowd);
    // Those that never came back would take part in what comes next.
    if (watched.stuck > 0) await bench.crews.discard(waiters);
    return watched;
  } catch (error) {
    await bench.crews.discard(waiters);
    throw error;
  }
}

async function watchCrews(
  { traffic, options }: Bench,
  holders: Crew,
  waiters: Crew,
  { callers, watchMs }: Crowd,
): Promise<Watched> {
  const heldAt = now() + HEAD_START_MS;
  const askedAt = heldAt + MARGIN_MS;
  const drainMs = options.quick ? QUICK_DRAIN_MS : DRAIN_MS;
  const plan = { names: 1, lock: `bench:waiting:${(serial += 1)}`, drainMs, record: true };
  const heldMs = MARGIN_MS + watchMs + MARGIN_MS;
  const { result, lines } = await traffic.listen(async () => {
    const rounds = Promise.all([
      holders.round(
        { ...plan, processes: 1, callers: 1, sectionMs: heldMs, durationMs: MARGIN_MS, drainMs: heldMs + drainMs },
        heldAt,
      ),
      waiters.round({ ...plan, callers, sectionMs: 0, durationMs: watchMs, settleMs: SETTLE_MS }, askedAt),
    ]);
    // A process that ends meanwhile is heard of when both are awaited.
    rounds.catch(() => undefined);
    await sleep(Math.max(0, askedAt + watchMs - now()));
    return { rounds };
  });
  const [holding, waited] = await result.rounds;
  const held = holding.records[0];
  if (held === undefined || held.entered > askedAt || held.left < askedAt + watchMs) {
    throw new Error('the holder did not have the lock all the time');
  }
  const wall = Date.now() - now();
  // Contestants that had their turn are still connected, and some of them ask for something now and then.
  const own = linesOf(lines, [...holding.ports, ...waited.ports]);
  const requests = (from: number): number =>
    (countRequests(own, from + wall, askedAt + watchMs + wall).requests / (askedAt + watchMs - from)) * 1_000;
  const lastLeft = waited.records.reduce((last, { left }) => Math.max(last, left), held.left);
  return {
    requestsPerSecond: requests(askedAt),
    idleRequestsPerSecond: requests(askedAt + SETTLE_MS),
    cpuPercent: (waited.cpuMs / (watchMs - SETTLE_MS)) * 100,
    lastServedMs: lastLeft - held.left,
    overlaps: holding.overlaps + waited.overlaps + overlapsBetween([{ ...held, worker: -1 }, ...waited.records]),
    gaveUp: waited.gaveUp,
    stuck: waited.stuck,
    notes: [
      ...(waited.stuck === 0 ? [] : [`${waited.stuck} callers were not served within ${drainMs / 1_000} s`]),
      ...new Set([...holding.errors, ...waited.errors]),
    ],
  };
}
