import { LockFactory, Verrou } from '@verrou/core';
import { redisStore } from '@verrou/core/drivers/redis';
import { LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const library = {
  title: '@verrou/core',
  package: '@verrou/core 0.5.2',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

const NOT_TAKEN = new Error('The lock was not taken.');

async function openVerrou(url, makeLocks) {
  const connection = await openIoredis(url);
  const locks = makeLocks(redisStore({ connection }));
  return lockClient({
    async section(name, body) {
      const [executed] = await locks.createLock(name, LEASE_MS).run(async () => body());
      if (!executed) throw NOT_TAKEN;
    },
    isGivenUp: (error) => error === NOT_TAKEN,
    close: () => connection.quit(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'verrou',
    setting: 'default',
    note: 'run(); tries again every 250 ms, without end.',
    open: ({ url }) => openVerrou(url, (driver) => new Verrou({ default: 'redis', stores: { redis: { driver } } })),
  },
  {
    ...library,
    id: 'verrou-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retry.delay 1.',
    open: ({ url }) => openVerrou(url, ({ factory }) => new LockFactory(factory(), { retry: { delay: 1 } })),
  },
];
