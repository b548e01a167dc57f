import { setTimeout as sleep } from 'node:timers/promises';
import { machineClock } from '../history.js';
import type { Workforce } from './workforce.js';

/** Long enough for a message to reach all workers, in ms. */
const NOTICE_MS = 50;
const WAIT_MS = 5_000;

/**
 * Lets all workers try the lock of a job at the same time: without a wait, and one of them has to get it; or with one, and
 * all have to get it soon.
 */
export async function runJobs(workforce: Workforce, pauseMs: number, signal: AbortSignal): Promise<void> {
  for (let job = 1; !signal.aborted; job += 1) {
    const wait = job % 2 === 0 ? WAIT_MS : 0;
    const long = job % 4 === 0;
    const order = { name: `job-${job}`, wait, long, at: machineClock() + NOTICE_MS };
    for (const worker of workforce.running) worker.tryJob(order);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
