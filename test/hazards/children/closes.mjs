// Uses a lock service in one of several states, closes it, and ends by itself: nothing here calls process.exit.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService, createLockService } from 'nestjs-redis-lock';

const [url, name, when] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));
const told = () =>
  new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    lines.once('line', () => {
      lines.close();
      process.stdin.unref();
      resolve();
    });
  });
process.stdin.unref();

const settings = { lease: 600, commandTimeout: 200, shutdownTimeout: 100 };
const locks =
  when === 'never-there'
    ? createLockService({ url: 'redis://127.0.0.1:1', ...settings })
    : await connectLockService({ url, ...settings });

const pending = [];
if (when === 'holding') await locks.acquire(name);
if (when === 'waiting' || when === 'renewing' || when === 'down') {
  await locks.acquire(name);
  pending.push(locks.acquire(name, { wait: Infinity }));
}
if (when === 'never-there') pending.push(locks.acquire(name, { wait: 60_000 }));
for (const each of pending) each.catch(() => undefined);
if (when === 'renewing') await sleep(700);
if (when === 'down') {
  process.stdin.ref();
  say({ type: 'ready' });
  await told();
}
await locks.close();
await Promise.allSettled(pending);
// What closes a socket or a timer is done a moment later.
await sleep(300);
const resources = process.getActiveResourcesInfo();
say({
  type: 'closed',
  timers: resources.filter((kind) => kind === 'Timeout').length,
  sockets: resources.filter((kind) => kind === 'TCPSocketWrap').length,
});
