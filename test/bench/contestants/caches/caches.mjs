// Ways to read a cache on Redis that several replicas share, each as its documentation says. Times are in ms.
import { BentoCache, bentostore } from 'bentocache';
import { redisDriver } from 'bentocache/drivers/redis';
import { createCache } from 'cache-manager';
import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import { connectLockService, SingleFlightCache } from '../../../../dist/esm/index.js';

const NO_LIMIT = { wait: Infinity };
const STALE_MS = 60_000;

async function openKeyv(url) {
  const keyv = new Keyv(new KeyvRedis(url));
  await keyv.get('connects');
  return keyv;
}

async function openFlight({ url, ttl }, options) {
  const locks = await connectLockService({ url });
  const keyv = await openKeyv(url);
  const flight = new SingleFlightCache(locks, keyv, { ttl, ...NO_LIMIT, ...options });
  return {
    read: (key, compute) => flight.get(key, compute),
    close: async () => {
      await locks.close();
      await keyv.disconnect();
    },
  };
}

async function openWithLock({ url, ttl }) {
  const locks = await connectLockService({ url });
  const keyv = await openKeyv(url);
  const rebuild = (key, compute) =>
    locks.withLock(
      key,
      async (lease) => {
        const known = await keyv.get(key);
        if (known !== undefined) return known;
        const value = await compute();
        lease.assertHeld();
        await keyv.set(key, value, ttl);
        return value;
      },
      NO_LIMIT,
    );
  return {
    read: async (key, compute) => (await keyv.get(key)) ?? (await rebuild(key, compute)),
    close: async () => {
      await locks.close();
      await keyv.disconnect();
    },
  };
}

async function openWrap({ url, ttl }, refreshThreshold) {
  const cache = createCache({ stores: [await openKeyv(url)] });
  return {
    read: (key, compute) => cache.wrap(key, compute, { ttl, refreshThreshold }),
    close: () => cache.disconnect(),
  };
}

async function openBento({ url, ttl }, options = {}) {
  const { hostname, port } = new URL(url);
  const driver = redisDriver({ connection: { host: hostname, port: Number(port) } });
  const bento = new BentoCache({ default: 'redis', stores: { redis: bentostore().useL2Layer(driver) } });
  await bento.get({ key: 'connects' });
  return {
    read: (key, factory) => bento.getOrSet({ key, ttl, factory, ...options }),
    close: () => bento.disconnectAll(),
  };
}

/** `keepsOld`: readers may get the old value while a new one is computed. */
export const caches = [
  { id: 'single flight', open: (with_) => openFlight(with_, {}) },
  { id: 'single flight, staleFor', keepsOld: true, open: (with_) => openFlight(with_, { staleFor: STALE_MS }) },
  { id: '@WithLock around a cache', open: openWithLock },
  { id: 'cache-manager wrap', open: (with_) => openWrap(with_) },
  {
    id: 'cache-manager wrap, refreshThreshold',
    keepsOld: true,
    open: (with_) => openWrap(with_, Math.floor(with_.ttl / 2)),
  },
  { id: 'bentocache', open: (with_) => openBento(with_) },
  { id: 'bentocache, grace', keepsOld: true, open: (with_) => openBento(with_, { grace: STALE_MS, timeout: 0 }) },
];
