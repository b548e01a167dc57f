import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockUnavailableError, type LockMode, type LockService } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { lockKey, orderKey } from '../support/lock-keys.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

const LEASE_MS = 2_000;
/** How long a waiter keeps its place after its last request, in ms. */
const PLACE_MS = 5_000;

describe('a read-write lock', () => {
  let here: LockService;
  let there: LockService;
  let admin: Redis;
  let name: string;

  beforeAll(async () => {
    admin = redisClient();
    [here, there] = [
      await connectLockService({ url: testRedisUrl() }),
      await connectLockService({ url: testRedisUrl() }),
    ];
  });
  beforeEach(() => {
    name = uniqueName('read-write');
  });
  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    admin.disconnect();
  });

  const startHolder = (mode: LockMode): ChildScript =>
    ChildScript.start('hazards/children/holder.mjs', [testRedisUrl(), name, String(LEASE_MS), '0', mode]);
  const isWaiting = (count = 1) =>
    waitUntil('it has a place', async () => ((await admin.get(orderKey(name))) ?? '').split(';').length > count);

  it.each(['SIGKILL', 'SIGSTOP'])('lets readers in some seconds after a writer that waited got %s', async (signal) => {
    const held = await here.acquire(name, { mode: 'read' });
    const child = startHolder('write');
    await isWaiting();
    if (signal === 'SIGKILL') await child.kill('SIGKILL');
    else child.freeze();
    await expect(there.tryAcquire(name, { mode: 'read' })).resolves.toBeNull();
    const since = performance.now();
    // The lock is still read: without the end of that place nobody else would get in.
    const lease = await there.acquire(name, { mode: 'read', wait: 4 * PLACE_MS });
    expect(performance.now() - since).toBeLessThan(PLACE_MS + 5_000);
    await lease.release();
    await held.release();
    if (signal === 'SIGKILL') return;
    child.thaw();
    // It goes on where it stood, and gets the lock.
    await child.next('held');
    await child.kill('SIGKILL');
  });

  it('lets a writer in when the lease of a killed reader has ended, and other readers keep theirs', async () => {
    const child = startHolder('read');
    await child.next('held');
    const other = await there.acquire(name, { mode: 'read', lease: LEASE_MS });
    await child.kill('SIGKILL');
    expect((await here.inspect(name)).holds).toBe(2);
    const write = here.acquire(name, { mode: 'write', wait: 20_000 });
    await waitUntil('the lease of the killed one is over', async () => (await here.inspect(name)).holds === 1);
    await sleep(LEASE_MS);
    other.assertHeld();
    expect(here.stats().waiting).toBe(1);
    expect(await other.release()).toBe('released');
    await (await write).release();
    expect(await admin.exists(lockKey(name))).toBe(0);
  });

  it('tells a reader that was suspended past its lease, while others write', async () => {
    const child = startHolder('read');
    const { token } = await child.next('held');
    child.freeze();
    const write = await here.acquire(name, { mode: 'write', wait: 20_000 });
    expect(write.token).toBeGreaterThan(token as number);
    child.thaw();
    expect(await child.next('lost')).toMatchObject({ code: 'LOCK_LOST' });
    child.send({ type: 'use' });
    expect(await child.next('used')).toMatchObject({ assertHeld: 'LOCK_LOST', release: 'lost' });
    write.assertHeld();
    expect(await write.release()).toBe('released');
    await child.kill('SIGKILL');
  });

  it('serves readers that wait for the reply whether a writer waits, if Redis does not answer', async () => {
    await using proxy = await TcpProxy.start(testRedisUrl());
    await using locks = await connectLockService({ url: proxy.url, commandTimeout: 300, keyPrefix: 'lock:' });
    const held = await locks.acquire(name, { mode: 'read' });
    // After this time a new reader makes the process ask.
    await sleep(100);
    proxy.requests = 'hold';
    const [impatient, short, long] = [0, 600, 20_000].map((wait) => locks.acquire(name, { mode: 'read', wait }));
    await expect(impatient).rejects.toBeInstanceOf(LockUnavailableError);
    await expect(short).rejects.toBeInstanceOf(LockUnavailableError);
    proxy.requests = 'pass';
    const lease = (await long)!;
    held.assertHeld();
    await held.release();
    lease.assertHeld();
    expect((await here.inspect(name)).held).toBe(true);
    await lease.release();
    await untilIdle(locks);
    expect(await admin.exists(lockKey(name))).toBe(0);
  });

  it('is free when its last reader leaves, although the reply whether a writer waits is still missing', async () => {
    await using proxy = await TcpProxy.start(testRedisUrl());
    await using locks = await connectLockService({ url: proxy.url, commandTimeout: 300 });
    // The server learns the scripts: otherwise the release is refused, and sent again after the reply.
    await locks.withLock(name, () => undefined, { mode: 'read' });
    const held = await locks.acquire(name, { mode: 'read' });
    // After this time a new reader makes the process ask.
    await sleep(100);
    proxy.replies = 'hold';
    await expect(locks.acquire(name, { mode: 'read', wait: 500 })).rejects.toBeInstanceOf(LockUnavailableError);
    const released = held.release();
    const write = await there.acquire(name, { mode: 'write', wait: 5_000 });
    proxy.replies = 'pass';
    await released;
    await write.release();
    await untilIdle(locks);
  });

  it('stays read for callers that join while the last reader leaves', async () => {
    let inside = 0;
    let writing = false;
    const stop = performance.now() + 1_500;
    const read = async (locks: LockService): Promise<void> => {
      while (performance.now() < stop) {
        await locks.withLock(
          name,
          async (lease) => {
            inside += 1;
            expect(writing).toBe(false);
            await sleep(Math.random() * 4);
            lease.assertHeld();
            inside -= 1;
          },
          { mode: 'read', wait: 20_000 },
        );
        await sleep(Math.random() * 100);
      }
    };
    const write = async (locks: LockService): Promise<void> => {
      while (performance.now() < stop) {
        await locks.withLock(
          name,
          async () => {
            expect({ inside, writing }).toEqual({ inside: 0, writing: false });
            writing = true;
            await sleep(1);
            writing = false;
          },
          { mode: 'write', wait: 20_000 },
        );
        await sleep(Math.random() * 20);
      }
    };
    await Promise.all([read(here), read(here), read(there), read(there), write(here), write(there)]);
    await untilIdle(here, there);
    expect(await admin.exists(lockKey(name), orderKey(name))).toBe(0);
  });

  it('serves 3 writers and 200 readers that never stop, and prints the longest wait of each', async () => {
    const longest = { read: 0, write: 0 };
    const served = { read: [] as number[], write: [] as number[] };
    const stop = performance.now() + 4_000;
    const call = async (mode: 'read' | 'write', index: number): Promise<void> => {
      const locks = index % 2 === 0 ? here : there;
      served[mode][index] = 0;
      while (performance.now() < stop) {
        const asked = performance.now();
        await locks.withLock(
          name,
          async () => {
            longest[mode] = Math.max(longest[mode], performance.now() - asked);
            served[mode][index]! += 1;
            await sleep(5);
          },
          { mode, wait: 60_000 },
        );
      }
    };
    await Promise.all([
      ...Array.from({ length: 200 }, (_, index) => call('read', index)),
      ...Array.from({ length: 3 }, (_, index) => call('write', index)),
    ]);
    const sumOf = (counts: readonly number[]) => counts.reduce((sum, each) => sum + each, 0);
    console.log(
      `longest wait of a writer: ${longest.write.toFixed(0)} ms (${sumOf(served.write)} sections), ` +
        `of a reader: ${longest.read.toFixed(0)} ms (${sumOf(served.read)} sections)`,
    );
    // Nobody starves: each has been served many times.
    expect(Math.min(...served.write)).toBeGreaterThan(3);
    expect(Math.min(...served.read)).toBeGreaterThan(3);
    await untilIdle(here, there);
  });
});
