import { createRequire } from 'node:module';
import { LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

// Its ES modules cannot be imported (ERR_MODULE_NOT_FOUND).
const require = createRequire(import.meta.url);
const { RedlockService } = require('@anchan828/nest-redlock');
const { ExecutionError } = require('redlock');

const library = {
  title: '@anchan828/nest-redlock',
  package: '@anchan828/nest-redlock 0.4.26',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

/** The service without Nest's container, which would only hand it its options. */
async function openService(url, settings) {
  const client = await openIoredis(url);
  const service = new RedlockService({ clients: [client], settings });
  service.on('error', () => undefined);
  return lockClient({
    section: (name, body) => service.using([name], LEASE_MS, body),
    isGivenUp: (error) => error instanceof ExecutionError,
    close: () => service.quit(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'nest-redlock',
    setting: 'default',
    note: 'using() of its service, on redlock 5.0.0-beta.2; 10 retries, every 200 ms with up to 100 ms of jitter.',
    open: ({ url }) => openService(url, {}),
  },
  {
    ...library,
    id: 'nest-redlock-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryCount -1, retryDelay 1, retryJitter 0.',
    open: ({ url }) => openService(url, { retryCount: -1, retryDelay: 1, retryJitter: 0 }),
  },
];
