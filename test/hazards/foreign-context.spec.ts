import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, WithLock, type LockService, type NestedCall } from 'nestjs-redis-lock';
import { concatMap, from, Subject } from 'rxjs';
import { giveService } from '../../lib/decorators/injected-service.js';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

/** One job at a time, as p-queue does it: the end of one job starts the next, in the context of the one that ended. */
class Queue {
  private readonly jobs: (() => Promise<void>)[] = [];
  private busy = false;

  add<T>(job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.jobs.push(() => job().then(resolve, reject));
      if (!this.busy) void this.next();
    });
  }

  private async next(): Promise<void> {
    this.busy = true;
    for (let job = this.jobs.shift(); job !== undefined; job = this.jobs.shift()) await job();
    this.busy = false;
  }
}

/** Counts how many callers are in the critical section at once. */
class Occupancy {
  most = 0;
  private inside = 0;

  async run(work: () => Promise<unknown>): Promise<void> {
    this.inside += 1;
    this.most = Math.max(this.most, this.inside);
    await work();
    this.inside -= 1;
  }
}

describe("a job that starts in another caller's async context", () => {
  let locks: LockService;
  let name: string;
  let occupancy: Occupancy;

  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl() });
    name = uniqueName('context');
    occupancy = new Occupancy();
  });
  afterEach(() => locks.close());

  /** A holds the lock and does a part of its work in the queue; B's job stands in the queue behind it. */
  const throughQueue = async (takeLock: () => Promise<void>): Promise<PromiseSettledResult<unknown>[]> => {
    const queue = new Queue();
    let aIsInQueue = false;
    const a = locks.withLock(name, () =>
      occupancy.run(async () => {
        await queue.add(() => {
          aIsInQueue = true;
          return sleep(50);
        });
        await sleep(50);
      }),
    );
    await waitUntil('the job of A runs', () => aIsInQueue);
    return Promise.allSettled([a, queue.add(takeLock)]);
  };
  const lockAs = (nested: NestedCall) => () => locks.withLock(name, () => occupancy.run(() => sleep(20)), { nested });

  it("waits for the lock with nested: 'wait', behind a queue", async () => {
    const results = await throughQueue(lockAs('wait'));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(occupancy.most).toBe(1);
  });

  it("waits for the lock with nested: 'wait' on a decorated method", async () => {
    class Wallet {
      @WithLock(() => name, { nested: 'wait' })
      async pay(): Promise<void> {
        await occupancy.run(() => sleep(20));
      }
    }
    const wallet = new Wallet();
    giveService(wallet, 'default', locks);
    const results = await throughQueue(() => wallet.pay());
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(occupancy.most).toBe(1);
  });

  it('waits for the lock when it is bound to the context in which it was made', async () => {
    const results = await throughQueue(AsyncResource.bind(lockAs('join')));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(occupancy.most).toBe(1);
  });

  it('cannot be distinguished from a call of that caller: it joins or is rejected, as documented in the README', async () => {
    await throughQueue(lockAs('join'));
    expect(occupancy.most).toBe(2);
    const [a, b] = await throughQueue(lockAs('refuse'));
    expect(a!.status).toBe('fulfilled');
    expect(b).toMatchObject({ status: 'rejected', reason: { code: 'LOCK_BUSY', reason: 'nested' } });
  });

  it("waits for the lock with nested: 'wait', behind concatMap", async () => {
    const jobs = new Subject<() => Promise<unknown>>();
    const done: string[] = [];
    jobs.pipe(concatMap((job) => from(job()))).subscribe();
    let aIsInQueue = false;
    const a = locks.withLock(name, () =>
      occupancy.run(async () => {
        await new Promise<void>((resolve) => {
          jobs.next(async () => {
            aIsInQueue = true;
            await sleep(50);
            resolve();
          });
        });
        await sleep(50);
        done.push('a');
      }),
    );
    await waitUntil('the job of A runs', () => aIsInQueue);
    const b = new Promise<void>((resolve, reject) => {
      jobs.next(async () => {
        await lockAs('wait')()
          .then(() => done.push('b'))
          .then(() => resolve(), reject);
      });
    });
    await Promise.all([a, b]);
    expect({ done, most: occupancy.most }).toEqual({ done: ['a', 'b'], most: 1 });
  });
});

describe('parallel calls in one section for its own lock', () => {
  let locks: LockService;
  let name: string;
  let occupancy: Occupancy;

  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl() });
    name = uniqueName('siblings');
    occupancy = new Occupancy();
  });
  afterEach(() => locks.close());

  it('join its lease and run at the same time, as Promise.all starts them', async () => {
    await locks.withLock(name, async ({ token }) => {
      const call = (): Promise<number> =>
        locks.withLock(name, async (lease) => {
          await occupancy.run(() => sleep(20));
          return lease.token;
        });
      await expect(Promise.all([call(), call()])).resolves.toEqual([token, token]);
    });
    expect(occupancy.most).toBe(2);
  });

  it('join its lease and run at the same time, as listeners of one event', async () => {
    const events = new EventEmitter();
    const handled: Promise<void>[] = [];
    for (let count = 0; count < 2; count += 1) {
      events.on('paid', () => handled.push(locks.withLock(name, () => occupancy.run(() => sleep(20)))));
    }
    await locks.withLock(name, async () => {
      events.emit('paid');
      await Promise.all(handled);
    });
    expect(occupancy.most).toBe(2);
  });

  it("run one after another after the section with nested: 'wait'", async () => {
    const siblings: Promise<void>[] = [];
    await locks.withLock(name, () =>
      occupancy.run(async () => {
        for (let count = 0; count < 3; count += 1) {
          siblings.push(locks.withLock(name, () => occupancy.run(() => sleep(5)), { nested: 'wait' }));
        }
        await sleep(20);
      }),
    );
    await Promise.all(siblings);
    expect(occupancy.most).toBe(1);
  });

  it("that wait with nested: 'wait' while the section awaits them end with LOCK_BUSY after their wait", async () => {
    await locks.withLock(name, async (lease) => {
      const nested = locks.withLock(name, () => undefined, { nested: 'wait', wait: 50 });
      await expect(nested).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'held' });
      await expect(locks.tryAcquire(name, { nested: 'wait' })).resolves.toBeNull();
      lease.assertHeld();
    });
  });

  it("with nested: 'wait' do not join for several locks either", async () => {
    await locks.withLock(name, async () => {
      const both = locks.acquire([name, `${name}:other`], { nested: 'wait', wait: 50 });
      await expect(both).rejects.toMatchObject({ code: 'LOCK_BUSY', lockName: name });
    });
    await (await locks.acquire([name, `${name}:other`])).release();
  });
});
