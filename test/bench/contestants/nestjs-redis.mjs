// @nestjs-redis/lock: no relation of ours.
import { createRequire } from 'node:module';
import { LEASE_MS, lockClient, openNodeRedis } from './adapter.mjs';

const { RedlockService } = createRequire(import.meta.url)('@nestjs-redis/lock');

const library = {
  title: '@nestjs-redis/lock',
  package: '@nestjs-redis/lock 0.13.4',
  kind: 'peer',
  client: 'node-redis',
  exclusive: true,
  processes: 'many',
};

/** The service without Nest's container, which would only hand it its options. */
async function openService(url, settings) {
  const client = await openNodeRedis(url);
  const service = new RedlockService([client], settings);
  return lockClient({
    section: (name, body) => service.withLock(name, LEASE_MS, async () => body()),
    isGivenUp: (error) => error.message.startsWith('Failed to acquire lock'),
    close: () => client.close(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'nestjs-redis',
    setting: 'default',
    note: 'withLock() of its service; 3 retries, every 200 ms with up to 100 ms of jitter.',
    open: ({ url }) => openService(url, {}),
  },
  {
    ...library,
    id: 'nestjs-redis-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryDelayMs 1, retryJitterMs 0, retries without end.',
    open: ({ url }) =>
      openService(url, { retryDelayMs: 1, retryJitterMs: 0, maxRetryAttempts: Number.MAX_SAFE_INTEGER }),
  },
];
