// Takes and gives back locks on many names at once and says how many bytes of old generation that left behind for each
// section. Sections that are over should be gone with the next collection of the young generation.
import { getHeapSpaceStatistics } from 'node:v8';
import { connectLockService } from 'nestjs-redis-lock';

const { url, sections, atOnce } = JSON.parse(process.argv[2]);
const locks = await connectLockService({ url });
const names = Array.from({ length: atOnce }, (_, at) => `survivors:${process.pid}:${at}`);

async function run(count) {
  for (let done = 0; done < count; done += atOnce) {
    await Promise.all(names.map((name) => locks.withLock(name, () => undefined)));
  }
}

const old = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space').space_used_size;

await run(sections / 2);
globalThis.gc();
const before = old();
await run(sections);
console.log(JSON.stringify({ bytes: (old() - before) / sections }));
await locks.close();
