// The floors on Redis: what a lock costs at least that is one SET NX PX and one compare-and-delete script.
import { randomUUID } from 'node:crypto';
import { between, LEASE_MS, lockClient, openIoredis, poll, RELEASE, RETRY_MS } from './adapter.mjs';

const floor = {
  package: 'ioredis 6.0.0',
  kind: 'floor',
  setting: 'default',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};

async function openRaw(url, options) {
  const client = await openIoredis(url, options);
  client.defineCommand('releaseRaw', { numberOfKeys: 1, lua: RELEASE });
  const owner = randomUUID();
  let serial = 0;
  const section = between(
    async (name) => {
      const token = `${owner}:${(serial += 1)}`;
      await poll(() => client.set(name, token, 'PX', LEASE_MS, 'NX'), RETRY_MS);
      return token;
    },
    (token, name) => client.releaseRaw(name, token),
  );
  return lockClient({ section, close: () => client.quit() });
}

/** Callers of one name go one after another; callers of different names know nothing of each other. */
function queued(client) {
  const tails = new Map();
  return {
    ...client,
    async section(name, body) {
      const before = tails.get(name);
      let leave;
      const tail = new Promise((resolve) => (leave = resolve));
      tails.set(name, tail);
      await before;
      try {
        await client.section(name, body);
      } finally {
        if (tails.get(name) === tail) tails.delete(name);
        leave();
      }
    },
  };
}

export const contestants = [
  {
    ...floor,
    id: 'raw-ioredis',
    title: 'raw ioredis',
    note: `SET NX PX and a compare-and-delete script; tries again every ${RETRY_MS} ms.`,
    open: ({ url }) => openRaw(url, {}),
  },
  {
    ...floor,
    id: 'raw-ioredis-auto-pipelining',
    title: 'raw ioredis, auto-pipelining',
    note: `As raw ioredis, with enableAutoPipelining.`,
    open: ({ url }) => openRaw(url, { enableAutoPipelining: true }),
  },
  {
    ...floor,
    id: 'local-queue-raw-ioredis',
    title: 'queue per name + raw ioredis',
    note: 'A queue of promises per name in front of raw ioredis: one caller at a time talks to Redis.',
    processes: 'one',
    open: async ({ url }) => queued(await openRaw(url, {})),
  },
];
