import { createRequire } from 'node:module';
import { createClient } from 'redis-4';
import { between, LEASE_MS, lockClient } from './adapter.mjs';

const createLock = createRequire(import.meta.url)('redis-lock');

const library = {
  title: 'redis-lock',
  package: 'redis-lock 1.0.0',
  kind: 'peer',
  client: 'node-redis',
  exclusive: true,
  processes: 'many',
};

async function openLock(url, retryDelay) {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  const lock = createLock(client, retryDelay);
  const section = between(
    (name) => lock(name, LEASE_MS),
    (done) => done(),
  );
  return lockClient({ section, close: () => client.quit() });
}

export const contestants = [
  {
    ...library,
    id: 'redis-lock',
    setting: 'default',
    note: 'On redis 4.7.1, which it asks for; tries again every 50 ms; releases by a plain DEL.',
    open: ({ url }) => openLock(url, undefined),
  },
  {
    ...library,
    id: 'redis-lock-fastest',
    setting: 'fastest',
    tunesWaiting: true,
    note: 'retryDelay 1.',
    open: ({ url }) => openLock(url, 1),
  },
];
