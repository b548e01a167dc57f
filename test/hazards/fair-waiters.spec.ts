import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { connectLockService } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { untilSubscribed } from '../support/subscribers.js';
import { SUBSCRIBES, TcpProxy } from '../support/tcp-proxy.js';
import { untilIdle } from '../support/until-idle.js';
import { FAIR, FairLock, PLACE_MS, RECHECK_MS, SLACK_MS } from './testing/fair-lock.js';

const MINUTE = 60_000;

describeWithRedisServer('waiters for a fair lock', () => {
  let lock: FairLock;
  let children: ChildScript[];

  beforeAll(async () => {
    lock = await FairLock.start();
  });
  beforeEach(() => {
    lock.reset();
    children = [];
  });
  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill('SIGKILL')));
  });
  afterAll(() => lock.stop());

  const startCaller = async (clockOffsetMs = 0): Promise<ChildScript> => {
    const args = [lock.server.url, lock.name, String(clockOffsetMs)];
    const child = ChildScript.start('hazards/children/fair-caller.mjs', args);
    children.push(child);
    await child.next('ready');
    return child;
  };
  /** A process that waits, as the first one. */
  const startWaiter = async (): Promise<ChildScript> => {
    const child = await startCaller();
    child.send({ type: 'acquire' });
    await lock.untilWaiting(1);
    return child;
  };

  it('are served a few seconds after the first of them was killed', async () => {
    const { here, there, name } = lock;
    const held = await here.acquire(name, FAIR);
    const child = await startWaiter();
    const next = await lock.queue(there, 'next');
    const last = await lock.queue(here, 'last');
    await child.kill('SIGKILL');
    const killed = performance.now();
    await held.release();
    await next.served;
    expect(performance.now() - killed).toBeLessThan(PLACE_MS + SLACK_MS);
    await last.served;
    expect(lock.order).toEqual(['next', 'last']);
    await lock.expectNothingLeft();
  });

  it('pass over one that is stopped, which gets a place behind them when it continues', async () => {
    const { here, there, name } = lock;
    const held = await here.acquire(name, FAIR);
    const child = await startWaiter();
    child.freeze();
    await held.release();
    const next = await there.acquire(name, FAIR);
    const later = await lock.queue(here, 'later');
    child.thaw();
    await lock.untilWaiting(2);
    await next.release();
    await later.served;
    const { token } = await child.next('held');
    expect(token).toBeGreaterThan(next.token);
    expect(await there.tryAcquire(name, { mode: 'fair' })).toBeNull();
    child.send({ type: 'release' });
    expect(await child.next('released')).toMatchObject({ outcome: 'released' });
    await lock.expectNothingLeft();
  });

  it('keep their places while their event loop is blocked for 2 s', async () => {
    const { here, there, name } = lock;
    const held = await here.acquire(name, FAIR);
    const child = await startWaiter();
    child.send({ type: 'block', ms: 2_000 });
    await child.next('blocking');
    const behind = await lock.queue(there, 'behind');
    await held.release();
    await child.next('held');
    expect(lock.order).toEqual([]);
    child.send({ type: 'release' });
    await behind.served;
    await lock.expectNothingLeft();
  });

  it('are served in order when the lease of a killed holder has ended', async () => {
    const { admin, server, here, there, name } = lock;
    const child = ChildScript.start('hazards/children/holder.mjs', [server.url, name, '1500', '0', 'fair']);
    children.push(child);
    await child.next('held');
    const callers = [
      await lock.queue(there, 'first'),
      await lock.queue(here, 'second'),
      await lock.queue(there, 'third'),
    ];
    await child.kill('SIGKILL');
    const left = await admin.pttl(lockKey(name));
    const killed = performance.now();
    await callers[0]!.served;
    const waited = performance.now() - killed;
    expect(waited).toBeGreaterThanOrEqual(left - 5);
    expect(waited).toBeLessThan(left + SLACK_MS);
    await Promise.all(callers.map(({ served }) => served));
    expect(lock.order).toEqual(['first', 'second', 'third']);
    await lock.expectNothingLeft();
  });

  it('are served in order, although the wall clocks of their processes are minutes apart', async () => {
    const offsets = [-10 * MINUTE, 10 * MINUTE, 0, -MINUTE, 60 * MINUTE, MINUTE];
    const callers = await Promise.all(offsets.map((offset) => startCaller(offset)));
    const held = await lock.here.acquire(lock.name, FAIR);
    for (const [index, caller] of callers.entries()) {
      caller.send({ type: 'acquire' });
      await lock.untilWaiting(index + 1);
    }
    await held.release();
    const tokens = [held.token];
    for (const caller of callers) {
      tokens.push((await caller.next('held')).token as number);
      caller.send({ type: 'release' });
    }
    await callers.at(-1)!.next('released');
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    await lock.expectNothingLeft();
  });

  it('are served a few seconds after a notification was lost', async () => {
    const { admin, server, here, name } = lock;
    await using proxy = await TcpProxy.start(server.url);
    await using far = await connectLockService({ url: proxy.url });
    const held = await here.acquire(name, FAIR);
    const next = await lock.queue(far, 'next');
    await untilSubscribed(admin, name);
    expect(proxy.vanish(SUBSCRIBES)).toBe(1);
    const released = performance.now();
    await held.release();
    await next.served;
    expect(performance.now() - released).toBeLessThan(RECHECK_MS + SLACK_MS);
    await untilIdle(far);
    await lock.expectNothingLeft();
  });

  it('in one process, 2,000 of them, are served in the order of their calls; prints how long it takes', async () => {
    const { here, there, name } = lock;
    const held = await there.acquire(name, FAIR);
    const began = performance.now();
    const order: number[] = [];
    const served = Array.from({ length: 2_000 }, (_, n) => here.withLock(name, () => void order.push(n), FAIR));
    await lock.untilWaiting(2_000);
    const queued = performance.now();
    await held.release();
    await Promise.all(served);
    const done = performance.now();
    console.log(
      `2,000 waiters: ${(queued - began).toFixed(0)} ms to queue, ${(done - queued).toFixed(0)} ms to be served`,
    );
    expect(order).toEqual(Array.from({ length: 2_000 }, (_, n) => n));
    await lock.expectNothingLeft();
  });
});
