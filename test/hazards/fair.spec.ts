import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { connectLockService } from 'nestjs-redis-lock';
import { deadlinesKey, lockKey, placesKey, queueKey } from '../support/lock-keys.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { subscribersOf, untilSubscribed } from '../support/subscribers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { FAIR, FairLock, PLACE_MS, RECHECK_MS, SLACK_MS } from './testing/fair-lock.js';

describeWithRedisServer('a fair lock', () => {
  let lock: FairLock;

  beforeAll(async () => {
    lock = await FairLock.start();
  });
  beforeEach(() => {
    lock.reset();
  });
  afterAll(() => lock.stop());

  it('wakes one of 20 waiters in 4 services by a release', async () => {
    const { server, admin, here, name } = lock;
    const services = await Promise.all([1, 2, 3, 4].map(() => connectLockService({ url: server.url })));
    const held = await here.acquire(name, FAIR);
    const monitor = await server.client().monitor();
    /** When each owner asked, in ms. */
    const asked = new Map<string, number[]>();
    monitor.on('monitor', (time: string, [command, , count, ...args]: readonly string[]) => {
      if (command !== 'evalsha' || !args.includes(queueKey(name))) return;
      // See `ACQUIRE_FAIR`: the keys, three values for all requests, then the owner of each and whether it waits.
      for (let at = Number(count) + 3; at < args.length; at += 2) {
        asked.set(args[at]!, [...(asked.get(args[at]!) ?? []), Number(time) * 1_000]);
      }
    });
    const served = services.flatMap((locks) => ['1', '2', '3', '4', '5'].map((label) => lock.section(locks, label)));
    // Each asks again as soon as it is subscribed.
    await waitUntil('all have asked', () => asked.size === 20 && [...asked.values()].every(({ length }) => length > 1));
    const before = new Map([...asked].map(([owner, { length }]) => [owner, length]));
    await held.release();
    await Promise.all(served);
    await admin.ping();
    monitor.disconnect();
    for (const [owner, times] of asked) {
      // What it sends after the usual pause was not caused by a notification.
      const woken = times.filter(
        (time, index) => index >= before.get(owner)! && time - times[index - 1]! < RECHECK_MS - 100,
      );
      expect(woken.length).toBe(1);
    }
    await Promise.all(services.map((locks) => locks.close()));
    await lock.expectNothingLeft();
  });

  it('is taken after the connection for notifications was cut', async () => {
    const { server, admin, here, name } = lock;
    await using proxy = await TcpProxy.start(server.url);
    await using far = await connectLockService({ url: proxy.url });
    const held = await here.acquire(name, FAIR);
    const next = await lock.queue(far, 'next');
    await untilSubscribed(admin, name);
    proxy.refuse();
    await waitUntil('the subscription is gone', async () => (await subscribersOf(admin, name)) === 0);
    const released = performance.now();
    await held.release();
    proxy.accept();
    await next.served;
    expect(performance.now() - released).toBeLessThan(RECHECK_MS + SLACK_MS);
    await untilIdle(far);
    await lock.expectNothingLeft();
  });

  it.each([
    ['queue', queueKey],
    ['deadlines', deadlinesKey],
    ['places', placesKey],
  ])('serves all waiters soon, one at a time, after the key of its %s was deleted', async (_what, key) => {
    const { admin, here, there, name } = lock;
    const held = await here.acquire(name, FAIR);
    const callers = [];
    for (let index = 0; index < 6; index += 1) {
      callers.push(await lock.queue(index % 2 === 0 ? here : there, String(index)));
    }
    expect(await admin.del(key(name))).toBe(1);
    const more = [here, there].map((locks, index) => lock.section(locks, `more ${index}`));
    const deleted = performance.now();
    await held.release();
    await Promise.all([...callers.map(({ served }) => served), ...more]);
    // No caller waits until the place of another one ends.
    expect(performance.now() - deleted).toBeLessThan(PLACE_MS - 1_000);
    expect(lock.order.length).toBe(8);
    await lock.expectNothingLeft();
  });

  it('serves a waiter that was deleted from the queue, although others never stop coming', async () => {
    const { admin, here, there, name } = lock;
    const held = await here.acquire(name, FAIR);
    const early = await lock.queue(here, 'early');
    await admin.del(queueKey(name));
    let stop = false;
    const others = [1, 2, 3, 4].map(async (n) => {
      while (!stop) await lock.section(there, String(n), 5);
    });
    await waitUntil('others wait', async () => (await admin.llen(queueKey(name))) >= 4);
    await held.release();
    await Promise.race([early.served, sleep(RECHECK_MS + SLACK_MS)]);
    expect(lock.order).toContain('early');
    stop = true;
    await Promise.all(others);
    await lock.expectNothingLeft();
  });

  it.each([
    ['its wait ends', false],
    ['its wait ends', true],
    ['it is aborted', false],
    ['it is aborted', true],
  ])('leaves no place and no lock when %s before the reply has come (held: %s)', async (how, busy) => {
    const { server, admin, here, there, name } = lock;
    await using proxy = await TcpProxy.start(server.url);
    await using far = await connectLockService({ url: proxy.url });
    await far.withLock(name, () => undefined, FAIR);
    const held = busy ? await here.acquire(name, FAIR) : null;
    proxy.replies = 'hold';
    const abort = new AbortController();
    const aborts = how === 'it is aborted';
    const waiting = far.acquire(name, aborts ? { ...FAIR, signal: abort.signal } : { ...FAIR, wait: 150 });
    const rejected = expect(waiting).rejects.toMatchObject({ code: aborts ? 'LOCK_ABORTED' : 'LOCK_UNAVAILABLE' });
    await waitUntil('it is executed', async () => (await admin.exists((busy ? placesKey : lockKey)(name))) === 1);
    abort.abort();
    await rejected;
    proxy.replies = 'pass';
    await untilIdle(far);
    expect(await admin.exists(queueKey(name), placesKey(name))).toBe(0);
    const next = lock.section(there, 'next');
    if (busy) await lock.untilWaiting(1);
    await held?.release();
    await next;
    await lock.expectNothingLeft();
  });
});
