// What the adapters have in common. Each file beside this one turns one library into contestants
// (see contestant.ts), used as its own documentation says.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

/** For how long a lock is taken, in ms, where the library wants to know: longer than any section and any case. */
export const LEASE_MS = 30_000;

/** The client of every contestant that takes one: the same version with its defaults. */
export async function openIoredis(url, options = {}) {
  const client = new Redis(url, options);
  // Every command reports its own failure.
  client.on('error', () => undefined);
  if (client.status !== 'ready') await once(client, 'ready');
  return client;
}

/** The client of those that need node-redis and can do with its version 5. */
export async function openNodeRedis(url, options = {}) {
  const client = createClient({ url, ...options });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The release of the floors: deletes the key if it still holds this token. */
export const RELEASE =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

/** How long the floors sleep before they try again, in ms: timers know nothing shorter. */
export const RETRY_MS = 1;

/**
 * A contestant's client from two functions.
 *
 * @param section `(name, body) => Promise`; rejects when the library gives up
 * @param isGivenUp whether the error says that the library has tried often enough; anything else goes to the caller
 */
export function lockClient({ section, isGivenUp = () => false, close }) {
  let gaveUp = 0;
  return {
    async section(name, body) {
      for (;;) {
        let entered = false;
        try {
          return await section(name, () => {
            entered = true;
            return body();
          });
        } catch (error) {
          // An error after the section is about the release: nobody is asked again for that.
          if (entered || !isGivenUp(error)) throw error;
          gaveUp += 1;
        }
      }
    },
    gaveUp: () => gaveUp,
    close,
  };
}

/** For libraries with `take` and `give`: the section between them, and the lock given back whatever happens. */
export function between(take, give) {
  return async (name, body) => {
    const lock = await take(name);
    try {
      await body();
    } finally {
      await give(lock, name);
    }
  };
}

/** For libraries that only try: tries again after `delayMs` until `attempt` returns something. */
export async function poll(attempt, delayMs) {
  for (;;) {
    const taken = await attempt();
    if (taken !== undefined && taken !== null && taken !== false) return taken;
    await sleep(delayMs);
  }
}
