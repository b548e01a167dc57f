// One process of the soak: callers of every kind of lock that never stop, except while the process is measured.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService, LeaderElection, LockError, runOnce, SingleFlightCache } from 'nestjs-redis-lock';

const [url, callers] = process.argv.slice(2);
const CALLERS = Number(callers);
/** Names are few, so that callers wait for each other, or used once, so that what a name leaves behind would add up. */
const NAMES = 5;
const PERMITS = 3;

const locks = await connectLockService({ url, lease: 3_000, tokenTtl: 60_000, commandTimeout: 500, logger: false });
const values = new Map();
const cache = { get: (key) => values.get(key), set: (key, value) => void values.set(key, value) };
const prices = new SingleFlightCache(locks, cache, { ttl: 200 });
const partner = locks.semaphore('partner', { permits: PERMITS });
const counts = { sections: 0, refused: 0, errors: {} };
let used = 0;
/** Resolved while work is allowed. */
let gate = Promise.resolve();
let open = () => undefined;
let running = 0;

const pick = (all) => all[Math.floor(Math.random() * all.length)];
const name = () =>
  Math.random() < 0.3 ? `once:${process.pid}:${(used += 1)}` : `name:${pick([...Array(NAMES).keys()])}`;
const work = () => sleep(Math.random() < 0.02 ? 1_500 : Math.random() * 4);

/** What a caller does, one after another by chance. */
const TASKS = [
  () => locks.withLock(name(), work, { wait: 2_000 }),
  () => locks.withLock(`fair:${name()}`, work, { mode: 'fair', wait: 2_000 }),
  () => locks.withLock(`rw:${name()}`, work, { mode: Math.random() < 0.8 ? 'read' : 'write', wait: 2_000 }),
  () => locks.withLock([name(), `other:${name()}`], work, { wait: 2_000 }),
  () => partner.withPermit(work, { take: pick([1, 1, 2]), wait: 2_000 }),
  () => locks.withLock(name(), work, { wait: 2_000, signal: AbortSignal.timeout(Math.ceil(Math.random() * 30)) }),
  () => locks.withLock(name(), (lease) => locks.withLock(lease.name, () => lease.extend(3_000)), { wait: 2_000 }),
  async () => {
    const lease = await locks.tryAcquire(name());
    if (lease === null) return;
    await work();
    await lease.release();
  },
  async () => {
    const latch = locks.latch(`latch:${process.pid}:${(used += 1)}`);
    await latch.trySetCount(1);
    await Promise.all([latch.wait({ wait: 2_000 }), latch.countDown()]);
  },
  () => prices.get(`price:${pick([...Array(50).keys()])}`, async () => (await work(), 1), { wait: 2_000 }),
  () => runOnce(locks, `job:${pick([1, 2])}`, work, { window: 300 }),
  async (index) => {
    // Of the callers of a process, one may campaign under a name.
    const election = new LeaderElection(locks, `leader:${index}`);
    const lead = ({ signal }) => sleep(100, undefined, { signal }).catch(() => undefined);
    await election.lead(lead, { signal: AbortSignal.timeout(50) });
  },
  () => locks.forceRelease(name()),
  () => locks.inspect(name()),
];

async function caller(index) {
  for (;;) {
    await gate;
    running += 1;
    try {
      await pick(TASKS)(index);
      counts.sections += 1;
    } catch (error) {
      // Any other error ends the soak.
      if (!(error instanceof LockError) || error.code === 'LOCK_CONFIG') throw error;
      counts.errors[error.code] = (counts.errors[error.code] ?? 0) + 1;
    } finally {
      running -= 1;
    }
  }
}

async function measured() {
  gate = new Promise((resolve) => (open = resolve));
  for (let idle = false; !idle; await sleep(50)) {
    const { held, waiting, unsettled } = locks.stats();
    idle = running + held + waiting + unsettled === 0;
  }
  // Unused subscriptions are kept for a second.
  await sleep(3_000);
  for (let time = 0; time < 3; time += 1) {
    globalThis.gc();
    await sleep(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const sockets = resources.filter((each) => each.startsWith('TCP')).length;
  return {
    heap: heapUsed,
    external,
    sockets,
    timers: resources.filter((each) => each === 'Timeout').length,
    ...counts,
  };
}

process.on('message', async (message) => {
  if (message === 'measure') process.send(await measured());
  else if (message === 'go on') open();
  else {
    gate = new Promise(() => undefined);
    await locks.close();
    process.disconnect();
    process.exit();
  }
});
for (let index = 0; index < CALLERS; index += 1) void caller(index);
process.send('ready');
