import type { Redis } from 'ioredis';

/** How many commands the server has executed since it started, those inside scripts included. */
export async function commandsSoFar(redis: Redis): Promise<number> {
  let calls = 0;
  for (const line of (await redis.info('commandstats')).split('\r\n')) {
    const match = /^cmdstat_(.+):calls=(\d+),/.exec(line);
    // Asking is a command too.
    if (match && match[1] !== 'info') calls += Number(match[2]);
  }
  return calls;
}
