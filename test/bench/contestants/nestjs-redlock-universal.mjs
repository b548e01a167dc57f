import { IoredisAdapter, RedlockService } from 'nestjs-redlock-universal';
import { LockAcquisitionError } from 'redlock-universal';
import { LEASE_MS, lockClient, openIoredis } from './adapter.mjs';

const library = {
  title: 'nestjs-redlock-universal',
  package: 'nestjs-redlock-universal 0.3.0',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

/** The service without Nest's container, which would only hand it its options. */
async function openService(url, settings) {
  const client = await openIoredis(url);
  const service = new RedlockService({ nodes: [new IoredisAdapter(client)], defaultTtl: LEASE_MS, ...settings });
  await service.onModuleInit();
  return lockClient({
    section: (name, body) => service.using(name, body),
    isGivenUp: (error) => error instanceof LockAcquisitionError,
    close: () => service.onModuleDestroy(),
  });
}

export const contestants = [
  {
    ...library,
    id: 'nestjs-redlock-universal',
    setting: 'default',
    note: 'using() of its service; 3 retries, every 100 ms.',
    open: ({ url }) => openService(url, {}),
  },
  {
    ...library,
    id: 'nestjs-redlock-universal-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryDelay 1, retries without end.',
    open: ({ url }) => openService(url, { retryDelay: 1, retryAttempts: Number.MAX_SAFE_INTEGER }),
  },
];
