import type { Redis } from 'ioredis';

const syncMs = 1_000;

/** Whether at least one replica has all that was written on this connection, or there is none to ask. */
export async function hasReplicaSync(redis: Redis): Promise<boolean> {
  const count = Number(/connected_slaves:(\d+)/.exec(await redis.info('replication'))?.[1] ?? 0);
  return count === 0 || (await redis.wait(count, syncMs)) > 0;
}
