import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type AcquireOptions } from 'nestjs-redis-lock';
import { describeWithRedisServer } from '../support/redis-server.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { EXCLUSIVE, SUBJECTS, type Locks } from '../support/subjects.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const LEASE_MS = 1_500;
const HOLD_MS = 60_000;

/** The key's time to live is what others have to wait for if the holder's process dies now. */
describe.each(SUBJECTS)('`holdAtLeast` of $label outlives the process', (subject) => {
  let locks: Locks;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    admin = redisClient();
    locks = await subject.connect({ url: testRedisUrl(), lease: LEASE_MS, handOverTime: 10_000 });
    name = uniqueName('hold');
  });
  afterEach(async () => {
    await locks.close();
    admin.disconnect();
  });

  const timeToLive = (of = name): Promise<number> => subject.timeToLive(admin, of);
  /** How long the key lives beyond the `holdMs` that began at `since` at the latest. */
  const surplus = async (since: number, holdMs = HOLD_MS): Promise<number> =>
    (await timeToLive()) - (holdMs - (performance.now() - since));

  it('from the first lease on', async () => {
    const since = performance.now();
    const lease = await locks.acquire(name, { holdAtLeast: HOLD_MS });
    expect(await surplus(since)).toBeGreaterThanOrEqual(-1);
    await lease.release();
    expect(await timeToLive()).toBeGreaterThan(HOLD_MS / 2);
    await subject.lose(admin, name);
  });

  it('after a hand-over inside the process, also from a caller that used a part of the same lease', async () => {
    const options: AcquireOptions[] = [{}, { holdAtLeast: LEASE_MS }, { holdAtLeast: HOLD_MS }];
    for (const before of [{}, { holdAtLeast: 1 }]) {
      for (const options_ of options) {
        const first = await locks.acquire(name, before);
        const next = locks.acquire(name, options_);
        await waitUntil('it waits', () => locks.stats().waiting === 1);
        const { holdAtLeast = 0 } = options_;
        await waitUntil('a part of the lease is used', () => first.remaining() < LEASE_MS - 100);
        const since = performance.now();
        await first.release();
        const lease = await next;
        expect(await surplus(since, holdAtLeast)).toBeGreaterThanOrEqual(-1);
        await lease.release();
        await subject.lose(admin, name);
      }
    }
  });

  // A call for several names takes exclusive locks.
  if (subject === EXCLUSIVE)
    it('for several locks, from the time when all are acquired', async () => {
      const second = `${name}:second`;
      const blocker = await locks.acquire(second);
      const both = locks.service.acquire([name, second], { holdAtLeast: HOLD_MS });
      await waitUntil('the first is taken', async () => (await timeToLive()) > 0);
      const since = performance.now();
      await blocker.release();
      const lease = await both;
      expect(await surplus(since)).toBeGreaterThanOrEqual(-1);
      expect(await timeToLive(second)).toBeGreaterThan(HOLD_MS / 2);
      await lease.release();
      await admin.del(subject.key(name), subject.key(second));
    });

  it('whatever length a lease is extended to', async () => {
    const since = performance.now();
    const lease = await locks.acquire(name, { holdAtLeast: HOLD_MS });
    await lease.extend(1_000);
    expect(await surplus(since)).toBeGreaterThanOrEqual(-1);
    await lease.release();
    await subject.lose(admin, name);
  });

  it('through renewals', async () => {
    const holdAtLeast = 2_500;
    const since = performance.now();
    const lease = await locks.acquire(name, { holdAtLeast });
    let left = await timeToLive();
    let renewals = 0;
    while (performance.now() < since + 4_000) {
      const now = await timeToLive();
      if (now > left + 100) renewals += 1;
      left = now;
      expect(await surplus(since, holdAtLeast)).toBeGreaterThanOrEqual(-1);
    }
    expect(renewals).toBeGreaterThan(0);
    await lease.release();
  });
});

describeWithRedisServer('`holdAtLeast` over several nodes', () => {
  it('is rejected if it is longer than `restartGuard`, without effect on other callers', async () => {
    await using nodes = await QuorumNodes.start(3);
    const settings = { quorum: nodes.urls, lease: 1_000, restartGuard: 1_500 };
    await using locks = await connectLockService(settings);
    const name = uniqueName('hold');
    const lease = await locks.acquire(name);
    const waiting = locks.acquire(name);
    const refused = {
      code: 'LOCK_CONFIG',
      message: expect.stringContaining('"holdAtLeast" (1501) must not be longer'),
    };
    await expect(locks.acquire(name, { holdAtLeast: 1_501 })).rejects.toMatchObject(refused);
    await expect(locks.acquire([name, 'b'], { holdAtLeast: 1_501 })).rejects.toMatchObject(refused);
    await lease.release();
    await (await waiting).release();
    await (await locks.acquire(name, { holdAtLeast: 1_500 })).release();
  });
});
