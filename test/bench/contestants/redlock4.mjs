import Redlock from 'redlock-4';
import { between, LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const library = {
  title: 'redlock 4',
  package: 'redlock 4.2.0',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openRedlock(url, settings) {
  const client = await openIoredis(url);
  const redlock = new Redlock([client], settings);
  redlock.on('clientError', () => undefined);
  const section = between(
    (name) => redlock.acquire([name], LEASE_MS),
    (lock) => lock.unlock(),
  );
  return lockClient({
    section,
    isGivenUp: (error) => error instanceof Redlock.LockError,
    close: () => redlock.quit(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'redlock-4',
    setting: 'default',
    note: '10 retries, every 200 ms with up to 100 ms of jitter.',
    open: ({ url }) => openRedlock(url, {}),
  },
  {
    ...library,
    id: 'redlock-4-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryCount -1, retryDelay 1, retryJitter 0.',
    open: ({ url }) => openRedlock(url, { retryCount: -1, retryDelay: 1, retryJitter: 0 }),
  },
];
