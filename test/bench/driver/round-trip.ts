import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { now } from '../clock.js';
import { medianOf } from '../report/measurement.js';

const PINGS = 41;

/**
 * The median of some PINGs, in ms, while nobody else asks for anything.
 *
 * @param pauseMs the silence before each: a process that has slept, and a server that has, take longer than those that
 *   were just at it
 */
export async function roundTripMs(redis: Redis, pauseMs: number): Promise<number> {
  const times: number[] = [];
  for (let ping = 0; ping < PINGS; ping += 1) {
    if (pauseMs > 0) await sleep(pauseMs);
    const sent = now();
    await redis.ping();
    times.push(now() - sent);
  }
  return medianOf(times);
}
