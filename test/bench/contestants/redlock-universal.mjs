import { createLock, IoredisAdapter, LockAcquisitionError } from 'redlock-universal';
import { between, LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const library = {
  title: 'redlock-universal',
  package: 'redlock-universal 0.8.5',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

/** One lock object a name, as its documentation has it: an acquisition is a handle. */
async function openLocks(url, settings, sectionOf) {
  const client = await openIoredis(url);
  const adapter = new IoredisAdapter(client);
  const locks = new Map();
  const lockOf = (name) => {
    let lock = locks.get(name);
    if (lock === undefined) locks.set(name, (lock = createLock({ adapter, key: name, ttl: LEASE_MS, ...settings })));
    return lock;
  };
  return lockClient({
    section: sectionOf(lockOf),
    isGivenUp: (error) => error instanceof LockAcquisitionError,
    close: () => client.quit(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'redlock-universal',
    setting: 'default',
    note: 'using(), as it recommends; 3 retries, every 100 ms.',
    open: ({ url }) => openLocks(url, {}, (lockOf) => (name, body) => lockOf(name).using(body)),
  },
  {
    ...library,
    id: 'redlock-universal-fastest',
    setting: 'fastest',
    note: "acquire() and release(), performance 'lean', retryDelay 1, retries without end.",
    open: ({ url }) =>
      openLocks(url, { performance: 'lean', retryDelay: 1, retryAttempts: Number.MAX_SAFE_INTEGER }, (lockOf) =>
        between(
          (name) => lockOf(name).acquire(),
          (handle, name) => lockOf(name).release(handle),
        ),
      ),
  },
];
