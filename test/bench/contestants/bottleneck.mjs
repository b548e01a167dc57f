import Bottleneck from 'bottleneck';
import { lockClient, openIoredis } from './adapter.mjs';
import { perName, PERMITS } from './semaphores.mjs';

/** One limiter for each name, as its documentation of clustering says; all of them share the connections. */
async function openLimiters(url) {
  const client = await openIoredis(url);
  const connection = new Bottleneck.IORedisConnection({ client });
  await connection.ready;
  const limiters = [];
  const limiterOf = perName((id) => {
    const limiter = new Bottleneck({ id, maxConcurrent: PERMITS, datastore: 'ioredis', connection });
    limiters.push(limiter);
    return limiter;
  });
  return lockClient({
    section: (name, body) => limiterOf(name).schedule(async () => body()),
    async close() {
      await Promise.all(limiters.map((limiter) => limiter.disconnect(false)));
      await connection.disconnect(true);
    },
  });
}

export const contestants = [
  {
    id: 'bottleneck',
    title: 'bottleneck',
    package: 'bottleneck 2.19.5',
    kind: 'peer',
    mode: 'semaphore',
    permits: PERMITS,
    setting: 'default',
    note: 'maxConcurrent of a cluster: its jobs wait for messages. Jobs have no lease: those of a process that died are freed by its heartbeat.',
    client: 'ioredis',
    exclusive: true,
    processes: 'many',
    open: ({ url }) => openLimiters(url),
  },
];
