// Readers of one process at a cold cache, at the level of the lock: no HTTP, no database.
import { setTimeout as sleep } from 'node:timers/promises';
import { openIoredis } from '../contestants/adapter.mjs';

const now = () => Number(process.hrtime.bigint()) / 1e6;
let cache;

/**
 * `readers` callers at once under the lock `name`. Who finds the cache cold rebuilds it in `rebuildMs`. A process that has
 * seen it warm keeps what it saw, so that a section costs the lock alone.
 */
export async function rebuild({ client, url }, { name, readers, rebuildMs, startAt }) {
  cache ??= await openIoredis(url);
  let warm = false;
  let rebuilds = 0;
  let [firstIn, lastOut] = [Infinity, 0];
  const section = async () => {
    firstIn = Math.min(firstIn, now());
    if (!warm && (await cache.get(`${name}:cache`)) === null) {
      rebuilds += 1;
      await sleep(rebuildMs);
      await cache.set(`${name}:cache`, 'warm', 'PX', 60_000);
    }
    warm = true;
  };
  await sleep(Math.max(0, startAt - now()));
  const reader = async () => {
    await client.section(name, section);
    lastOut = Math.max(lastOut, now());
  };
  await Promise.all(Array.from({ length: readers }, reader));
  return { rebuilds, firstIn, lastOut };
}
