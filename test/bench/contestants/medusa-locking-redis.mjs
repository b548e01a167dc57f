import { createRequire } from 'node:module';
import { LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const { RedisLockingProvider } = createRequire(import.meta.url)('@medusajs/locking-redis/dist/services/redis-lock.js');

const library = {
  title: '@medusajs/locking-redis',
  package: '@medusajs/locking-redis 2.21.2',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openProvider(url, options) {
  const client = await openIoredis(url);
  const provider = new RedisLockingProvider({ redisClient: client }, options);
  return lockClient({
    section: (name, body) => provider.execute(name, async () => body(), { expire: LEASE_MS / 1_000 }),
    isGivenUp: (error) => error.message.startsWith('Timed-out acquiring'),
    close: () => client.quit(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'medusa-locking-redis',
    setting: 'default',
    note: 'execute(); tries again after 20 ms, doubled up to 1 s; gives up after 5 s. Its framework is a stand-in.',
    open: ({ url }) => openProvider(url, {}),
  },
  {
    ...library,
    id: 'medusa-locking-redis-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'defaultRetryInterval 1, maximumRetryInterval 1.',
    open: ({ url }) => openProvider(url, { defaultRetryInterval: 1, maximumRetryInterval: 1 }),
  },
];
