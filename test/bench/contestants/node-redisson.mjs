import { createRequire } from 'node:module';
import { between, lockClient } from './adapter.mjs';

const { Redisson } = createRequire(import.meta.url)('node-redisson');

const library = {
  title: 'node-redisson',
  package: 'node-redisson 1.0.4',
  kind: 'peer',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openRedisson(url) {
  const { hostname, port } = new URL(url);
  const redisson = new Redisson({ redis: { options: { host: hostname, port: Number(port) } } });
  await redisson.redis.ping();
  const section = between(
    async (name) => {
      const lock = redisson.getLock(name);
      await lock.lock();
      return lock;
    },
    (lock) => lock.unlock(),
  );
  return lockClient({ section, close: () => redisson.quit() });
}

export const contestants = [
  {
    ...library,
    id: 'node-redisson',
    setting: 'default',
    note: 'Waits for messages of Pub/Sub and does not poll; renews by itself.',
    open: ({ url }) => openRedisson(url),
  },
];
