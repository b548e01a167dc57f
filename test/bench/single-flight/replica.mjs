// One replica: reads a cache as it is told over IPC, and tells when each reader had the value.
import { setTimeout as sleep } from 'node:timers/promises';
import { caches } from '../contestants/caches/caches.mjs';

const now = () => Number(process.hrtime.bigint()) / 1e6;
const VALUE = 'x'.repeat(2_000);
let cache;

process.on('disconnect', () => process.exit());
process.on('SIGINT', () => undefined);
process.on('message', ({ task, ask }) => {
  tasks[task](ask).then(
    (result) => process.send({ result }),
    (error) => process.send({ failed: `${error.name}: ${error.message}` }),
  );
});

const tasks = {
  async open({ id, url, ttl }) {
    cache = await caches.find((each) => each.id === id).open({ url, ttl });
    return {};
  },
  /** All readers at once. */
  async burst({ key, readers, computeMs, startAt }) {
    const seen = recorder(key, computeMs);
    await sleep(Math.max(0, startAt - now()));
    await Promise.all(Array.from({ length: readers }, () => seen.read(startAt)));
    return seen;
  },
  /** Readers at a steady rate. */
  async stream({ key, perSecond, durationMs, computeMs, startAt }) {
    const seen = recorder(key, computeMs);
    const reads = [];
    await sleep(Math.max(0, startAt - now()));
    for (let passed = 0; passed < durationMs; passed = now() - startAt) {
      while (reads.length < (passed / 1_000) * perSecond) reads.push(seen.read(now()));
      await sleep(2);
    }
    await Promise.all(reads);
    return seen;
  },
  async close() {
    await cache.close();
    return {};
  },
};

/** What the readers of one round waited, and when the value was computed. */
function recorder(key, computeMs) {
  const seen = { waits: [], computations: [] };
  const compute = async () => {
    const computation = { from: now(), to: Infinity };
    seen.computations.push(computation);
    await sleep(computeMs);
    computation.to = now();
    return VALUE;
  };
  const read = async (since) => {
    const value = await cache.read(key, compute);
    seen.waits.push(now() - since);
    if (value !== VALUE) throw new Error('A reader got another value.');
  };
  return Object.defineProperty(seen, 'read', { value: read, enumerable: false });
}

process.send({ result: {} });
