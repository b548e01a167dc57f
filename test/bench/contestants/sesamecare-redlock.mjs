import { createRequire } from 'node:module';
import { between, LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const { Redlock, ExecutionError } = createRequire(import.meta.url)('@sesamecare-oss/redlock');

const library = {
  title: '@sesamecare-oss/redlock',
  package: '@sesamecare-oss/redlock 1.4.0',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openRedlock(url, settings) {
  const client = await openIoredis(url);
  const redlock = new Redlock([client], settings);
  redlock.on('error', () => undefined);
  const section = between(
    (name) => redlock.acquire([name], LEASE_MS),
    (lock) => lock.release(),
  );
  return lockClient({ section, isGivenUp: (error) => error instanceof ExecutionError, close: () => redlock.quit() });
}

export const contestants = [
  {
    ...library,
    id: 'sesamecare-redlock',
    setting: 'default',
    note: '10 retries, every 200 ms with up to 100 ms of jitter.',
    open: ({ url }) => openRedlock(url, {}),
  },
  {
    ...library,
    id: 'sesamecare-redlock-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryCount -1, retryDelay 1, retryJitter 0.',
    open: ({ url }) => openRedlock(url, { retryCount: -1, retryDelay: 1, retryJitter: 0 }),
  },
];
