// Locks very many names once each and measures what is left of it: heap, internal collections, timers, listeners.
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectLockService } from 'nestjs-redis-lock';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
const locks = await connectLockService({ url: process.argv[2] });

/** The entries of all maps and sets that can be reached from the service. */
function entries(value, seen = new Set()) {
  if (typeof value !== 'object' || value === null || seen.has(value) || seen.size > 50_000) return 0;
  seen.add(value);
  let count = 0;
  if (value instanceof Map || value instanceof Set) {
    count += value.size;
    for (const each of value.values()) count += entries(each, seen);
  } else if (Array.isArray(value)) count += value.length;
  for (const key of Reflect.ownKeys(value)) {
    const field = Object.getOwnPropertyDescriptor(value, key)?.value;
    if (key !== 'client') count += entries(field, seen);
  }
  return count;
}

async function measure() {
  await sleep(1_500);
  gc();
  return {
    heap: process.memoryUsage().heapUsed,
    maps: entries(locks),
    timers: process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
    listeners: process.eventNames().length,
  };
}

const name = (n) => `${n}:${'x'.repeat(400)}`;
async function lockMany(from, to) {
  for (let n = from; n < to; n += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        locks.withLock(name(n + i), () => locks.tryAcquire(name(n + i + 1)).then((lease) => lease?.release())),
      ),
    );
  }
}

await lockMany(0, 2_000);
const before = await measure();
await lockMany(2_000, 22_000);
const after = await measure();
console.log(JSON.stringify({ type: 'measured', before, after, timers: after.timers, listeners: after.listeners }));
await locks.close();
process.stdin.destroy();
