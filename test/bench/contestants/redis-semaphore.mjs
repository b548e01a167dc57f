import { Mutex, TimeoutError } from 'redis-semaphore';
import { between, LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const library = {
  title: 'redis-semaphore',
  package: 'redis-semaphore 5.8.0',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openMutex(url, settings) {
  const client = await openIoredis(url);
  const section = between(
    async (name) => {
      const mutex = new Mutex(client, name, { lockTimeout: LEASE_MS, ...settings });
      await mutex.acquire();
      return mutex;
    },
    (mutex) => mutex.release(),
  );
  return lockClient({ section, isGivenUp: (error) => error instanceof TimeoutError, close: () => client.quit() });
}

export const contestants = [
  {
    ...library,
    id: 'redis-semaphore',
    setting: 'default',
    note: 'Tries every 10 ms, gives up after 10 s; refreshes by itself.',
    open: ({ url }) => openMutex(url, {}),
  },
  {
    ...library,
    id: 'redis-semaphore-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryInterval 1.',
    open: ({ url }) => openMutex(url, { retryInterval: 1 }),
  },
];
