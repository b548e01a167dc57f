import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, MemoryState, type LockService, type LockServiceOptions } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { ReplicatedRedis } from '../support/replicated-redis.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const LEASE = 600;
const request = new AsyncLocalStorage<string>();

/** In whose request the code runs that asks. */
function whose(): string {
  return request.getStore() ?? 'nobody';
}

/** In whose request each message of the channel was published. */
function listenTo(channel: string): { readonly seen: string[]; readonly stop: () => void } {
  const seen: string[] = [];
  const onMessage = (): void => void seen.push(whose());
  subscribe(`nestjs-redis-lock:${channel}`, onMessage);
  return { seen, stop: () => unsubscribe(`nestjs-redis-lock:${channel}`, onMessage) };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'];
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve: resolve! };
}

interface Place {
  readonly options: LockServiceOptions;
  readonly close?: () => Promise<void>;
}

function describeContexts(label: string, open: () => Promise<Place>): void {
  describe(`work that callers share on ${label}`, () => {
    let place: Place;
    let locks: LockService;
    let name: string;

    beforeAll(async () => {
      place = await open();
    });
    afterAll(async () => {
      await place.close?.();
    });
    beforeEach(async () => {
      name = uniqueName('context');
      // The service itself may be made inside a request, where a module is loaded lazily.
      locks = await request.run('maker', () => connectLockService({ ...place.options, lease: LEASE }));
    });
    afterEach(async () => {
      await locks.close();
    });

    it('renews a lease outside of all request contexts, and publishes its loss in the context of the request that acquired it', async () => {
      const renewed = listenTo('renewed');
      const lost = listenTo('lost');
      await request.run('ada', () => locks.withLock(`${name}-first`, () => sleep(5)));
      const lease = await request.run('bob', () => locks.acquire(name));
      const aborted: string[] = [];
      request.run('carol', () => lease.signal.addEventListener('abort', () => aborted.push(whose())));
      await waitUntil('a renewal', () => renewed.seen.length > 0, 10_000);
      await locks.forceRelease(name);
      await waitUntil('the loss', () => aborted.length > 0, 10_000);
      renewed.stop();
      lost.stop();
      expect(new Set(renewed.seen)).toEqual(new Set(['nobody']));
      expect(aborted).toEqual(['bob']);
      expect(lost.seen).toEqual(['bob']);
      await lease.release();
    });

    it('does not let an abort listener join the lease of the section that started the shared timers', async () => {
      const entered = deferred<null>();
      const end = deferred<null>();
      const first = locks.withLock(`${name}-first`, () => {
        entered.resolve(null);
        return end.promise;
      });
      await entered.promise;
      const second = await locks.acquire(name);
      const outcome = deferred<unknown>();
      second.signal.addEventListener('abort', () => {
        outcome.resolve(locks.tryAcquire(`${name}-first`));
      });
      await locks.forceRelease(name);
      const joined = await outcome.promise;
      end.resolve(null);
      await first;
      await second.release();
      expect(joined).toBeNull();
    });

    it('does not let an abort listener join the lease of the section that detects the loss', async () => {
      const lease = await locks.acquire(name, { lease: 300, renew: false });
      const outcome = deferred<unknown>();
      await locks.withLock(`${name}-other`, async () => {
        lease.signal.addEventListener('abort', () => {
          outcome.resolve(locks.tryAcquire(`${name}-other`));
        });
        for (const end = performance.now() + 400; performance.now() < end;);
        // The clock is read here, before the late timer runs.
        expect(lease.remaining()).toBe(0);
        expect(await outcome.promise).toBeNull();
      });
      await lease.release();
    });

    it('publishes the events of each lock in the context of its own request', async () => {
      const acquired = listenTo('acquired');
      const released = listenTo('released');
      const refused = listenTo('refused');
      const holder = await request.run('ada', () => locks.acquire(name));
      const waiter = request.run('bob', () => locks.acquire(name, { wait: 20_000 }));
      const impatient = request.run('carol', () => locks.tryAcquire(name, { wait: 50 }));
      await expect(impatient).resolves.toBeNull();
      await request.run('ada', () => holder.release());
      const next = await waiter;
      await request.run('bob', () => next.release());
      for (const channel of [acquired, released, refused]) channel.stop();
      expect(acquired.seen).toEqual(['ada', 'bob']);
      expect(released.seen).toEqual(['ada', 'bob']);
      expect(refused.seen).toEqual(['carol']);
    });
  });
}

describeContexts('a memory store', () => Promise.resolve({ options: { memory: new MemoryState() } }));
describeContexts('one Redis', () => Promise.resolve({ options: { url: testRedisUrl() } }));
describeContexts("a caller's client", async () => {
  const client = request.run('maker', () => redisClient());
  await client.ping();
  return {
    options: { client },
    close: async () => {
      await client.quit();
    },
  };
});
describeWithRedisServer('servers of its own', () => {
  describeContexts('a master with a replica', async () => {
    const redis = await ReplicatedRedis.start(1);
    return { options: { url: redis.master.url, minReplicas: 1 }, close: () => redis.stop() };
  });
  describeContexts('a cluster', async () => {
    const cluster = await RedisCluster.start({ replicas: 0 });
    return { options: { cluster: { nodes: cluster.nodes } }, close: () => cluster.stop() };
  });
  describeContexts('a quorum', async () => {
    const nodes = await QuorumNodes.start(3);
    return { options: { quorum: nodes.urls, restartGuard: 0 }, close: () => nodes.stop() };
  });
});

describe('the requests to Redis', () => {
  it('are sent outside of all request contexts, since each may serve several callers', async () => {
    const client = redisClient();
    await client.ping();
    await using locks = await connectLockService({ client, lease: LEASE });
    const sent: string[] = [];
    const send = client.sendCommand.bind(client);
    client.sendCommand = (command, ...rest) => {
      sent.push(whose());
      return send(command, ...rest);
    };
    const name = uniqueName('context');
    await request.run('ada', () => locks.withLock(name, () => sleep(LEASE)));
    await request.run('ada', () => locks.inspect(name));
    await request.run('ada', () => locks.forceRelease(name));
    expect(sent.length).toBeGreaterThanOrEqual(5);
    expect(new Set(sent)).toEqual(new Set(['nobody']));
    await locks.close();
    await client.quit();
  });
});

describe('the context of the request that loads the package', () => {
  it.each([
    { store: 'a memory store', options: () => ({ memory: true }) },
    { store: 'one Redis', options: () => ({ url: testRedisUrl() }) },
  ])('is not kept in memory by $store', async ({ options }) => {
    await using child = ChildScript.start('hazards/children/lazy-context.mjs', [JSON.stringify(options())]);
    const { kept, renewedBy } = await child.next('seen');
    expect(kept).toBe(false);
    expect(renewedBy).toEqual(['nobody']);
    await child.exited;
  });
});
