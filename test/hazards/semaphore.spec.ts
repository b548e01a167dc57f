import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockConfigError, type LockService, type Semaphore } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

const PERMITS = 5;
const LEASE_MS = 1_500;

describe('a semaphore whose holders die or stand still', () => {
  let locks: LockService;
  let admin: Redis;
  let name: string;
  let semaphore: Semaphore;
  const counter = (): string => `lock:${name}`;
  const holds = (): string => `{lock:${name}}:timeout`;

  beforeAll(async () => {
    admin = redisClient();
    locks = await connectLockService({ url: testRedisUrl(), lease: LEASE_MS });
  });
  beforeEach(() => {
    name = uniqueName('permits');
    semaphore = locks.semaphore(name, { permits: PERMITS });
  });
  afterAll(async () => {
    await locks.close();
    admin.disconnect();
  });

  const startHolders = (count: number, take = 1, holdMs = 60_000): ChildScript[] =>
    Array.from({ length: count }, () =>
      ChildScript.start('hazards/children/permit-holder.mjs', [
        testRedisUrl(),
        name,
        String(PERMITS),
        String(LEASE_MS),
        String(holdMs),
        String(take),
      ]),
    );
  /** Takes all permits: resolves when all of them are usable. */
  const takeAll = async (): Promise<void> => {
    await (await semaphore.acquire({ take: PERMITS, wait: 20_000 })).release();
  };

  it('has all permits again within one lease after six holders were killed, one of which waited', async () => {
    const children = startHolders(6);
    await waitUntil('five have permits', async () => (await semaphore.inspect()).held === PERMITS);
    await Promise.all(children.map((child) => child.kill('SIGKILL')));
    expect(await admin.zcard(holds())).toBe(PERMITS);
    const leases = (await admin.zrange(holds(), '0', '-1', 'WITHSCORES')).filter((_, index) => index % 2 === 1);
    await takeAll();
    // Not before the last of their leases has ended, by the clock of Redis, and not long after.
    const [seconds, micros] = (await admin.time()) as unknown as [string, string];
    const now = Number(seconds) * 1_000 + Number(micros) / 1_000;
    expect(now).toBeGreaterThanOrEqual(Math.max(...leases.map(Number)));
    expect(now).toBeLessThan(Math.max(...leases.map(Number)) + 5_000);
    expect(await semaphore.inspect()).toMatchObject({ held: 0, available: PERMITS });
  });

  it('gives the permits of six stopped holders to others, and never has more than five taken', async () => {
    const children = startHolders(6);
    await waitUntil('five have permits', async () => (await semaphore.inspect()).held === PERMITS);
    for (const child of children) child.freeze();
    const taken = await Promise.all(Array.from({ length: PERMITS }, () => semaphore.acquire({ wait: 20_000 })));
    for (const child of children) child.thaw();
    // The sixth waited, and the five others learn of their loss: none of them gets in, and none returns a permit of others.
    for (let look = 0; look < 20; look += 1) {
      expect(await admin.zcard(holds())).toBe(PERMITS);
      await sleep(20);
    }
    for (const lease of taken) lease.assertHeld();
    for (const lease of taken) expect(await lease.release()).toBe('released');
    await waitUntil('the one that waited has a permit', async () => (await semaphore.inspect()).held > 0);
    await Promise.all(children.map((child) => child.kill('SIGKILL')));
    await takeAll();
  });

  it('never has more than five holders in while six are killed and six are stopped, and all permits again after a lease', async () => {
    const children = startHolders(12, 1, 20);
    await Promise.all(children.map((child) => child.next('returned')));
    for (let index = 0; index < 12; index += 2) {
      await sleep(30);
      await children[index]!.kill('SIGKILL');
      children[index + 1]!.freeze();
    }
    await takeAll();
    const [last = 0] = children.flatMap(endsOf).sort((a, b) => b - a);
    // All that were in when they were killed or stopped are out by their leases, and nobody waits for longer.
    expect(machineClock()).toBeLessThan(last + LEASE_MS + 5_000);
    for (const child of children) child.thaw();
    await sleep(500);
    await Promise.all(children.map((child) => child.kill('SIGKILL')));
    await takeAll();
    expect(mostAtOnce(children.flatMap(stays))).toBe(PERMITS);
  });

  it('serves others when a process that waits for several permits is killed, although it has a place', async () => {
    const held = await semaphore.acquire({ take: 4 });
    const [child] = startHolders(1, 3);
    const places = async (): Promise<string[]> =>
      (await admin.hkeys(`lock_permits:{lock:${name}}`)).filter((key) => key === 'w');
    await waitUntil('it has a place', async () => (await places()).length === 1);
    await child!.kill('SIGKILL');
    expect(await semaphore.tryAcquire()).toBeNull();
    const next = await semaphore.acquire({ wait: 20_000 });
    expect(await places()).toEqual([]);
    await next.release();
    await held.release();
  });

  it('recovers when all of its keys are deleted', async () => {
    const lost = await semaphore.acquire({ take: 3 });
    await admin.del(counter(), holds(), `lock_permits:{lock:${name}}`);
    const all = await locks.semaphore(name, { permits: PERMITS }).acquire({ take: PERMITS });
    await waitUntil('the loss is noticed', () => lost.signal.aborted);
    expect(await lost.release()).toBe('lost');
    all.assertHeld();
    expect(await all.release()).toBe('released');
    expect(await admin.get(counter())).toBe(String(PERMITS));
  });

  it('counts again if only its counter is deleted, or its holds', async () => {
    const held = await semaphore.acquire({ take: 3 });
    await admin.del(counter());
    expect(await semaphore.tryAcquire({ take: 3 })).toBeNull();
    await (await semaphore.acquire({ take: 2 })).release();
    expect(await admin.get(counter())).toBe('2');
    expect(await held.release()).toBe('released');
    expect(await admin.get(counter())).toBe(String(PERMITS));
  });

  it('refuses a key of another type with the kind of lock that it is', async () => {
    await admin.hset(counter(), { mode: 'read', someone: '1' });
    await expect(semaphore.acquire()).rejects.toThrow('is the name of a read-write lock');
    await expect(semaphore.acquire()).rejects.toBeInstanceOf(LockConfigError);
    await admin.del(counter());
    await admin.rpush(counter(), 'a list');
    await expect(semaphore.acquire()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', retryable: false });
    await admin.del(counter());
  });

  it('answers a caller whose wait ends while the permit for it is renewed, although no reply comes', async () => {
    await using proxy = await TcpProxy.start(testRedisUrl());
    await using far = await connectLockService({ url: proxy.url, commandTimeout: 500 });
    const two = far.semaphore(name, { permits: 2 });
    // While this one asks, the others gather behind it: the next one's hold has a token for each of them.
    const before = two.acquire();
    // Each gets a lease of full length, so the permit is renewed before it is passed on.
    const [first, ...others] = [400, 500, 500].map((wait) => two.acquire({ lease: 20_000, renew: false, wait }));
    for (const each of others) each.catch(() => undefined);
    const [held, lease] = await Promise.all([before, first!]);
    proxy.pause();
    expect(await lease.release()).toBe('released');
    await waitUntil('both are answered', () => far.stats().waiting === 0, 10_000);
    for (const each of others)
      await expect(each).rejects.toMatchObject({ code: expect.stringMatching(/BUSY|UNAVAILABLE/) });
    proxy.resume();
    await held.release();
    await untilIdle(far);
    expect((await semaphore.inspect()).held).toBe(0);
  });

  it('leaves nothing but its three keys, which expire', async () => {
    await semaphore.withPermit(() => undefined, { take: 2 });
    await untilIdle(locks);
    expect(await admin.exists(holds())).toBe(0);
    expect(await admin.pttl(counter())).toBeGreaterThan(0);
    expect(await admin.hgetall(`lock_permits:{lock:${name}}`)).toEqual({ permits: String(PERMITS), own: '1' });
    expect(await admin.pttl(`lock_permits:{lock:${name}}`)).toBeGreaterThan(0);
  });
});

interface Stay {
  readonly from: number;
  readonly to: number;
}

const machineClock = (): number => Number(process.hrtime.bigint()) / 1e6;

/** When the child had a permit: until it returned it, or until its lease ended. */
function stays(child: ChildScript): Stay[] {
  const stays: Stay[] = [];
  for (const { type, at, until } of child.messages) {
    const last = stays.at(-1);
    if (type === 'held') stays.push({ from: at as number, to: until as number });
    if (type === 'leaves' && last !== undefined) {
      stays[stays.length - 1] = { from: last.from, to: Math.min(last.to, at as number) };
    }
  }
  return stays;
}

const endsOf = (child: ChildScript): number[] => stays(child).map(({ to }) => to);

/** How many of them overlap at most. */
function mostAtOnce(all: readonly Stay[]): number {
  return Math.max(...all.map(({ from }) => all.filter((each) => each.from <= from && each.to > from).length));
}
