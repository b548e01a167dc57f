// Loads the package inside a request, as an application does that loads a module lazily, and makes another request the
// first caller. Says whether its data is still in memory once it has ended, and in whose request a lease is renewed.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
const request = new AsyncLocalStorage();
const options = JSON.parse(process.argv[2]);
const renewedBy = new Set();
subscribe('nestjs-redis-lock:renewed', () => renewedBy.add(request.getStore()?.user ?? 'nobody'));

// Node keeps the request that loads a module.
const { connectLockService } = await request.run({ user: 'loader' }, () => import('nestjs-redis-lock'));

/** The only strong reference to the request is in its async context. */
async function firstRequest() {
  const data = { user: 'ada' };
  const locks = await request.run(data, async () => {
    const service = await connectLockService({ ...options, lease: 300 });
    const lease = await service.acquire('first');
    await service.tryAcquire('first', { nested: 'wait', wait: 20 });
    await sleep(150);
    await lease.release();
    return service;
  });
  return { locks, data: new WeakRef(data) };
}

const { locks, data } = await firstRequest();
const lease = await request.run({ user: 'bob' }, () => locks.acquire('second'));
await sleep(400);
for (let tries = 0; tries < 50 && data.deref() !== undefined; tries += 1) {
  await sleep(20);
  collect();
}
console.log(JSON.stringify({ type: 'seen', kept: data.deref() !== undefined, renewedBy: [...renewedBy].sort() }));
await lease.release();
await locks.close();
