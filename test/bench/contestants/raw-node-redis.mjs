// The same floor as raw ioredis on the other client, which sends all commands of one turn of the event loop at once.
import { randomUUID } from 'node:crypto';
import { defineScript } from 'redis';
import { between, LEASE_MS, lockClient, openNodeRedis, poll, RELEASE, RETRY_MS } from './adapter.mjs';

const releaseRaw = defineScript({
  SCRIPT: RELEASE,
  NUMBER_OF_KEYS: 1,
  parseCommand(parser, name, token) {
    parser.pushKey(name);
    parser.push(token);
  },
  transformReply: undefined,
});

export const contestants = [
  {
    id: 'raw-node-redis',
    title: 'raw node-redis',
    package: 'redis 5.12.1',
    kind: 'floor',
    setting: 'default',
    note: `SET NX PX and a compare-and-delete script; tries again every ${RETRY_MS} ms.`,
    client: 'node-redis',
    exclusive: true,
    processes: 'many',
    async open({ url }) {
      const client = await openNodeRedis(url, { scripts: { releaseRaw } });
      const owner = randomUUID();
      let serial = 0;
      const section = between(
        async (name) => {
          const token = `${owner}:${(serial += 1)}`;
          await poll(() => client.set(name, token, { NX: true, PX: LEASE_MS }), RETRY_MS);
          return token;
        },
        (token, name) => client.releaseRaw(name, token),
      );
      return lockClient({ section, close: () => client.close() });
    },
  },
];
