import { createRequire } from 'node:module';
import { between, LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

// Its types of export leave no other way in.
const { default: Redlock, ExecutionError } = createRequire(import.meta.url)('redlock-5');

const library = {
  title: 'redlock 5',
  package: 'redlock 5.0.0-beta.2',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openRedlock(url, settings) {
  const client = await openIoredis(url);
  const redlock = new Redlock([client], settings);
  // A lost attempt is an event too; nobody has to hear it.
  redlock.on('error', () => undefined);
  const section = between(
    (name) => redlock.acquire([name], LEASE_MS),
    (lock) => lock.release(),
  );
  return lockClient({
    section,
    isGivenUp: (error) => error instanceof ExecutionError,
    close: () => redlock.quit(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'redlock-5',
    setting: 'default',
    note: '10 retries, every 200 ms with up to 100 ms of jitter.',
    open: ({ url }) => openRedlock(url, {}),
  },
  {
    ...library,
    id: 'redlock-5-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryCount -1, retryDelay 1, retryJitter 0.',
    open: ({ url }) => openRedlock(url, { retryCount: -1, retryDelay: 1, retryJitter: 0 }),
  },
];
