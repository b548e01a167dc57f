import { createLock, LockAcquisitionError } from '@microfleet/ioredis-lock';
import { between, LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const library = {
  title: '@microfleet/ioredis-lock',
  package: '@microfleet/ioredis-lock 6.0.1',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openLock(url, settings) {
  const client = await openIoredis(url);
  const section = between(
    (name) => createLock(client, { timeout: LEASE_MS, ...settings }).acquire(name),
    (lock) => lock.release(),
  );
  return lockClient({
    section,
    isGivenUp: (error) => error instanceof LockAcquisitionError,
    close: () => client.quit(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'ioredis-lock',
    setting: 'default',
    note: '6 retries, every 50 ms with up to a fifth of jitter.',
    open: ({ url }) => openLock(url, {}),
  },
  {
    ...library,
    id: 'ioredis-lock-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'delay 1, jitter 1 (none), retries without end.',
    open: ({ url }) => openLock(url, { delay: 1, jitter: 1, retries: Infinity }),
  },
];
