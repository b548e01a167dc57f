// One process of the rolling restarts: `contender.mjs ORDER`. Takes one lock over and over beside other processes, and keeps
// some locks of its own all the time. Says at the end what it lost and how long it was without service.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService } from 'nestjs-redis-lock';

const { nodes, lease, restartGuard, kept, staggerMs, pauseMs } = JSON.parse(process.argv[2]);
const say = (message) => console.log(JSON.stringify(message));
const locks = await connectLockService({ quorum: nodes, lease, restartGuard, startupTimeout: 120_000 });
const began = performance.now();
const since = () => Math.round(performance.now() - began);
let stop = false;
const lost = [];
const failed = {};
let sections = 0;
let longestMs = 0;

/** A lock that is held and renewed all the time, and taken again when it is lost. */
async function keep(name, delayMs) {
  await sleep(delayMs);
  while (!stop) {
    const held = await locks.acquire(name, { wait: 5_000 }).catch(() => undefined);
    if (held === undefined) continue;
    while (!stop && !held.signal.aborted) await sleep(20);
    if (held.signal.aborted) lost.push({ name, at: since() });
    else await held.release();
  }
}

async function contend() {
  let last = performance.now();
  while (!stop) {
    try {
      await locks.withLock('contended', () => sleep(5), { wait: 2_000 });
      sections += 1;
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    } catch (error) {
      failed[error.code] = (failed[error.code] ?? 0) + 1;
    }
    await sleep(pauseMs);
  }
  longestMs = Math.max(longestMs, performance.now() - last);
}

const warm = await locks.acquire(`warm:${process.pid}`, { wait: 120_000 });
await warm.release();
const work = [contend(), ...kept.map((name, index) => keep(name, index * staggerMs))];
createInterface({ input: process.stdin }).on('line', async () => {
  stop = true;
  await Promise.all(work);
  say({ type: 'done', lost, failed, sections, longestMs: Math.round(longestMs) });
  await locks.close();
  process.exit(0);
});
await sleep(kept.length * staggerMs);
say({ type: 'ready' });
