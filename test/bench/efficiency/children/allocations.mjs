// Takes and gives back locks in turn with this library and with plain ioredis, and says how many bytes each of them
// allocated for a cycle. Nothing is collected meanwhile: run it with --expose-gc and a young generation that holds it all.
import { randomUUID } from 'node:crypto';
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connectLockService } from 'nestjs-redis-lock';

const { url, cycles, blocks, atOnce } = JSON.parse(process.argv[2]);
const RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

const client = new Redis(url);
client.defineCommand('releaseRaw', { numberOfKeys: 1, lua: RELEASE });
const locks = await connectLockService({ url });
const run = randomUUID();
let serial = 0;

const kinds = {
  async raw(name) {
    const owner = `${run}:${(serial += 1)}`;
    await client.set(name, owner, 'PX', 30_000, 'NX');
    await client.releaseRaw(name, owner);
  },
  own: (name) => locks.withLock(name, () => undefined),
};

/** `count` cycles, `atOnce` of them at a time, each of those on a name of its own. */
async function block(kind, count) {
  const names = Array.from({ length: atOnce }, (_, at) => `allocations:${run}:${kind}:${at}`);
  for (let done = 0; done < count; done += atOnce) {
    if (atOnce === 1) await kinds[kind](names[0]);
    else await Promise.all(names.map(kinds[kind]));
  }
}

let collections = 0;
new PerformanceObserver((list) => (collections += list.getEntries().length)).observe({ entryTypes: ['gc'] });

/** Bytes a cycle, or `undefined` if a collection came in between. */
async function allocated(kind, count) {
  globalThis.gc();
  await turn();
  await turn();
  const [before, seen] = [process.memoryUsage().heapUsed, collections];
  await block(kind, count);
  const bytes = process.memoryUsage().heapUsed - before;
  await turn();
  await turn();
  return collections === seen ? bytes / count : undefined;
}

const found = { raw: [], own: [] };
// Code that is not optimized yet allocates more.
for (const kind of Object.keys(kinds)) await block(kind, 2_000);
for (let at = 0; at < blocks; at += 1) {
  for (const kind of Object.keys(kinds)) {
    const bytes = await allocated(kind, cycles / blocks);
    if (bytes !== undefined) found[kind].push(bytes);
  }
}
console.log(JSON.stringify(found));
client.disconnect();
await locks.close();
