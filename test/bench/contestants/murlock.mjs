import { createRequire } from 'node:module';
import { LEASE_MS, lockClient } from './adapter.mjs';

const require = createRequire(import.meta.url);
const { MurLockService } = require('murlock');
const { AsyncStorageManager } = require('murlock/dist/als/als-manager.js');
const { AsyncStorageService } = require('murlock/dist/als/als.service.js');
const { AsyncLocalStorage } = require('node:async_hooks');

const library = {
  title: 'murlock',
  package: 'murlock 4.4.0',
  kind: 'peer',
  client: 'node-redis',
  exclusive: true,
  processes: 'many',
};

/** The service without Nest's container, which would only hand it its options and its storage. */
async function openService(url, settings) {
  const storage = new AsyncStorageService(new AsyncStorageManager(new AsyncLocalStorage()));
  const options = { redisOptions: { url }, logLevel: 'error', ignoreUnlockFail: false, ...settings };
  const service = new MurLockService(options, storage);
  await service.onModuleInit();
  return lockClient({
    section: (name, body) => service.runWithLock(name, LEASE_MS, async () => body()),
    isGivenUp: (error) => /after \d+ attempts/.test(error.message),
    close: () => service.onApplicationShutdown(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'murlock',
    setting: 'default',
    note: 'On redis 4.7.1. It has no defaults: wait 1000 and maxAttempts 3, as in its documentation.',
    open: ({ url }) => openService(url, { wait: 1_000, maxAttempts: 3, blocking: false }),
  },
  {
    ...library,
    id: 'murlock-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'blocking, wait 1.',
    open: ({ url }) => openService(url, { wait: 1, maxAttempts: 1, blocking: true }),
  },
];
