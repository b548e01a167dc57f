// Has everything under way while Redis has its troubles: a holder, waiters, sections without number. Run with
// --unhandled-rejections=strict, so that a rejection nobody handles ends the process.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService } from 'nestjs-redis-lock';

const [url, name] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));
const locks = await connectLockService({ url, lease: 600, commandTimeout: 150, shutdownTimeout: 500 });

let stop = false;
// Nobody listens to these leases, nobody looks at their signals.
const held = await Promise.all([1, 2, 3].map((n) => locks.acquire(`${name}:held:${n}`)));
const busy = Array.from({ length: 8 }, async (_, n) => {
  while (!stop) {
    await locks.withLock(`${name}:${n % 3}`, () => sleep(5), { wait: 100 }).catch(() => sleep(10));
    await locks.tryAcquire(`${name}:${n}`).then(
      (lease) => lease?.release(),
      () => sleep(10),
    );
  }
});
say({ type: 'running' });
await new Promise((resolve) => process.stdin.once('data', resolve));
stop = true;
await Promise.all(busy);
for (const lease of held) await lease.release();
const served = await locks.withLock(`${name}:last`, () => true, { wait: Infinity });
say({ type: 'finished', served });
await locks.close();
process.stdin.destroy();
