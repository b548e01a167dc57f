import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { between, LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const createWarlock = createRequire(import.meta.url)('node-redis-warlock');

const library = {
  title: 'node-redis-warlock',
  package: 'node-redis-warlock 1.0.2',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openWarlock(url, maxAttempts, wait) {
  const client = await openIoredis(url);
  const warlock = createWarlock(client);
  const optimistic = promisify(warlock.optimistic);
  const section = between(
    (name) => optimistic(name, LEASE_MS, maxAttempts, wait),
    (unlock) => promisify(unlock)(),
  );
  return lockClient({
    section,
    isGivenUp: (error) => error.message === 'unable to obtain lock',
    close: () => client.quit(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'node-redis-warlock',
    setting: 'default',
    note: 'optimistic() with 4 attempts, every 1000 ms: it has no defaults, this is its documentation. Its callbacks run on ioredis.',
    open: ({ url }) => openWarlock(url, 4, 1_000),
  },
  {
    ...library,
    id: 'node-redis-warlock-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'Attempts without end, every 1 ms.',
    open: ({ url }) => openWarlock(url, Infinity, 1),
  },
];
