import { Mutex, Semaphore, TimeoutError } from 'redis-semaphore';
import { between, LEASE_MS, lockClient, openIoredis } from './adapter.mjs';
import { PERMITS } from './semaphores.mjs';

const library = {
  title: 'redis-semaphore',
  package: 'redis-semaphore 5.8.0',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

const semaphore = { ...library, mode: 'semaphore', permits: PERMITS };

/** @param make a lock of the library, of a client, a name and settings */
async function open(url, make, settings) {
  const client = await openIoredis(url);
  const section = between(
    async (name) => {
      const lock = make(client, name, { lockTimeout: LEASE_MS, ...settings });
      await lock.acquire();
      return lock;
    },
    (lock) => lock.release(),
  );
  return lockClient({ section, isGivenUp: (error) => error instanceof TimeoutError, close: () => client.quit() });
}

const mutexOf = (client, name, settings) => new Mutex(client, name, settings);
const semaphoreOf = (client, name, settings) => new Semaphore(client, name, PERMITS, settings);

export const contestants = [
  {
    ...library,
    id: 'redis-semaphore',
    setting: 'default',
    note: 'Tries every 10 ms, gives up after 10 s; refreshes by itself.',
    open: ({ url }) => open(url, mutexOf, {}),
  },
  {
    ...library,
    id: 'redis-semaphore-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryInterval 1.',
    open: ({ url }) => open(url, mutexOf, { retryInterval: 1 }),
  },
  {
    ...semaphore,
    id: 'redis-semaphore-permits',
    setting: 'default',
    note: 'Tries every 10 ms, gives up after 10 s; refreshes by itself.',
    open: ({ url }) => open(url, semaphoreOf, {}),
  },
  {
    ...semaphore,
    id: 'redis-semaphore-permits-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryInterval 1.',
    open: ({ url }) => open(url, semaphoreOf, { retryInterval: 1 }),
  },
];
