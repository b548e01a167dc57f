// Drops leases without a release, or keeps them, and says what is reported once they were garbage-collected.
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectLockService, lockChannels } from 'nestjs-redis-lock';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
const [url, name, how] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));

const lines = [];
const told = [];
const locks = await connectLockService({ url, logger: { warn: (line) => lines.push(line) } });
subscribe(lockChannels.abandoned, (message) => told.push(message));
const kept = [];

class Worker {
  async start() {
    this.lease = await locks.acquire(name);
  }
}

const ways = {
  acquire: () => locks.acquire(name, { label: 'dropped' }),
  tryAcquire: () => locks.tryAcquire(name),
  several: () => locks.acquire([name, `${name}-b`]),
  permit: () => locks.semaphore(name, { permits: 1 }).acquire(),
  // The stack of its call refers to the worker, which refers to the lease.
  worker: () => new Worker().start(),
  signal: async () => void kept.push((await locks.acquire(name)).signal),
  kept: async () => void kept.push(await locks.acquire(name)),
  released: async () => (await locks.acquire(name)).release(),
  fixed: () => locks.acquire(name, { lease: 30_000, renew: false }),
  // As libraries do that want call sites rather than text.
  callSites: () => {
    Error.prepareStackTrace = (_error, sites) => sites;
    return locks.acquire(name);
  },
  throwing: () => {
    Error.prepareStackTrace = () => {
      throw new Error('no stack');
    };
    return locks.acquire(name);
  },
  frozen: () => {
    Object.freeze(Error);
    return locks.acquire(name);
  },
  section: () => void locks.withLock(name, () => sleep(60_000, undefined, { ref: false })),
};

async function drop() {
  await ways[how]();
}

await drop();
// Leases are watched from one second on.
for (let rounds = 0; rounds < 40 && (rounds < 30 || lines.length > 0) && told.length === 0; rounds += 1) {
  await sleep(100);
  gc();
}
// The release is on the way.
await sleep(100);
const signals = kept.map((each) => each.reason?.reason ?? each.signal?.aborted);
say({ type: 'done', lines, told, signals, held: locks.stats().held });
process.exit(0);
