// One caller of one process among many on one name.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs } from './heap.mjs';

const now = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * Sections of `sectionMs` on one name from `startAt` on, none begun after `durationMs`. Resolves with when each was
 * entered and left, on the clock that all processes share.
 */
export async function turns({ client }, { name, sectionMs, startAt, durationMs }) {
  const times = [];
  await sleep(Math.max(0, startAt - now()));
  const cpu = cpuMs();
  const end = startAt + durationMs;
  while (now() < end) {
    await client.section(name, async () => {
      const entered = now();
      await sleep(sectionMs);
      times.push(entered, now());
    });
  }
  return { times, cpuMs: cpuMs() - cpu };
}
