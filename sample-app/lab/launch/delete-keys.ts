import { openLauncherRedis } from './launcher-redis.js';

/**
 * Deletes all keys of one run from a Redis that outlives it: the cache, the locks and their tokens, the settings. Keys
 * that it cannot delete stay until they expire.
 *
 * @param part a random part of the names of all keys of the run
 */
export async function deleteKeys(redisUrl: string, part: string): Promise<void> {
  const redis = openLauncherRedis(redisUrl, '');
  try {
    await new Promise<void>((resolve, reject) => redis.once('ready', resolve).once('close', () => reject(notThere)));
    for await (const keys of redis.scanStream({ match: `*${part}*`, count: 1_000 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) await redis.unlink(...keys);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`The keys of this run (*${part}*) were not deleted from Redis and expire later: ${reason}`);
  } finally {
    redis.disconnect();
  }
}

const notThere = new Error('no connection');
