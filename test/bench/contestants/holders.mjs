// Libraries that keep a held lock alive by themselves, each with leases of the same length, renewed at a third of it.
import { createRequire } from 'node:module';
import { openIoredis } from './adapter.mjs';

const require = createRequire(import.meta.url);

const openers = {
  async 'nestjs-redis-lock'(url, leaseMs) {
    const { connectLockService } = await import('../../../dist/esm/index.js');
    const locks = await connectLockService({ url, lease: leaseMs });
    const leases = [];
    return {
      hold: async (name) => leases.push(await locks.acquire(name, { wait: Infinity })),
      lost: () => leases.filter((lease) => lease.remaining() === 0).length,
      async release() {
        await Promise.all(leases.splice(0).map((lease) => lease.release()));
      },
      close: () => locks.close(),
    };
  },
  async 'redis-semaphore'(url, leaseMs) {
    const { Mutex } = require('redis-semaphore');
    const client = await openIoredis(url);
    const mutexes = [];
    let lost = 0;
    const onLockLost = () => (lost += 1);
    return {
      async hold(name) {
        const times = { lockTimeout: leaseMs, refreshInterval: leaseMs / 3, acquireTimeout: leaseMs };
        const mutex = new Mutex(client, name, { ...times, onLockLost });
        await mutex.acquire();
        mutexes.push(mutex);
      },
      lost: () => lost,
      async release() {
        await Promise.all(mutexes.splice(0).map((mutex) => mutex.release()));
        lost = 0;
      },
      close: () => client.quit(),
    };
  },
  async 'redlock-5'(url, leaseMs) {
    const { default: Redlock } = require('redlock-5');
    const client = await openIoredis(url);
    const redlock = new Redlock([client], { automaticExtensionThreshold: (leaseMs * 2) / 3 });
    redlock.on('error', () => undefined);
    let [end, lost] = [undefined, 0];
    let over = new Promise((resolve) => (end = resolve));
    const uses = [];
    return {
      hold: (name) =>
        new Promise((resolve, reject) => {
          const use = redlock.using([name], leaseMs, async (signal) => {
            signal.onabort = () => (lost += 1);
            resolve();
            await over;
          });
          uses.push(use);
          use.catch(reject);
        }),
      lost: () => lost,
      async release() {
        end();
        await Promise.allSettled(uses.splice(0));
        over = new Promise((resolve) => (end = resolve));
        lost = 0;
      },
      close: () => redlock.quit(),
    };
  },
};

/** Whose held locks renew themselves. */
export const holderIds = Object.keys(openers);

export function openHolder(id, url, leaseMs) {
  return openers[id](url, leaseMs);
}
