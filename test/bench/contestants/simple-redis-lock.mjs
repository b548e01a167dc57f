// Two packages with the same code: nestjs-simple-redis-lock, and its successor that takes the client itself.
import { createRequire } from 'node:module';
import { LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const require = createRequire(import.meta.url);
const { RedisLockService: HuangangService } = require('@huangang/nestjs-simple-redis-lock');
const { RedisLockService } = require('nestjs-simple-redis-lock');

const library = { kind: 'peer', client: 'ioredis', exclusive: true, processes: 'many' };
const huangang = {
  ...library,
  title: '@huangang/nestjs-simple-redis-lock',
  package: '@huangang/nestjs-simple-redis-lock 0.7.1',
};
const original = { ...library, title: 'nestjs-simple-redis-lock', package: 'nestjs-simple-redis-lock 1.0.1' };

async function openService(url, make, ...retrying) {
  const client = await openIoredis(url);
  const service = make(client);
  return lockClient({
    async section(name, body) {
      await service.lock(name, LEASE_MS, ...retrying);
      try {
        await body();
      } finally {
        await service.unlock(name);
      }
    },
    isGivenUp: (error) => error.message.endsWith('timed out'),
    close: () => client.quit(),
  });
}

/** The services without Nest's container, which would only hand them their client. */
const makeHuangang = (client) => new HuangangService({ client });
const makeOriginal = (client) => new RedisLockService({ getClient: () => client }, {});

const polling = 'lock() and unlock() of its service; tries again every 100 ms.';
const fastest = { setting: 'fastest', tunesWaiting: true, note: 'retryInterval 1, retries without end.' };

export const contestants = [
  {
    ...huangang,
    id: 'huangang-simple-redis-lock',
    setting: 'default',
    note: polling,
    open: ({ url }) => openService(url, makeHuangang),
  },
  {
    ...huangang,
    ...fastest,
    id: 'huangang-simple-redis-lock-fastest',
    open: ({ url }) => openService(url, makeHuangang, 1, Infinity),
  },
  {
    ...original,
    id: 'nestjs-simple-redis-lock',
    setting: 'default',
    note: polling,
    open: ({ url }) => openService(url, makeOriginal),
  },
  {
    ...original,
    ...fastest,
    id: 'nestjs-simple-redis-lock-fastest',
    open: ({ url }) => openService(url, makeOriginal, 1, Infinity),
  },
];
