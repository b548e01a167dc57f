import { createRequire } from 'node:module';
import { between, LEASE_MS, lockClient, openNodeRedis } from './adapter.mjs';

const { lock, tryLock } = createRequire(import.meta.url)('simple-redis-mutex');

const library = {
  title: 'simple-redis-mutex',
  package: 'simple-redis-mutex 3.0.0',
  kind: 'peer',
  client: 'node-redis',
  exclusive: true,
  processes: 'many',
};

export const contestants = [
  {
    ...library,
    id: 'simple-redis-mutex',
    setting: 'default',
    note: 'Waits for messages of Pub/Sub and polls every 10 s besides.',
    async open({ url }) {
      const client = await openNodeRedis(url);
      // Its first callers at once would each open a connection to subscribe with.
      const [, releaseFirst] = await tryLock(client, `first:${process.pid}`);
      await releaseFirst();
      const section = between(
        (name) => lock(client, name, { timeout: LEASE_MS }),
        (release) => release(),
      );
      return lockClient({ section, close: () => client.close() });
    },
  },
];
