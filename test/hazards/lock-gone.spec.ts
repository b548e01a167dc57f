import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Cluster, type Redis } from 'ioredis';
import {
  connectLockService,
  LockLostError,
  MemoryState,
  type LockService,
  type LockServiceOptions,
} from 'nestjs-redis-lock';
import { lockKey, noticeChannel } from '../support/lock-keys.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeEachWithRedisServer, describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { redisMajor } from '../support/redis-program.js';
import { ReplicatedRedis } from '../support/replicated-redis.js';
import { EXCLUSIVE, SUBJECTS } from '../support/subjects.js';
import { untilSubscribed } from '../support/subscribers.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

/** Where a lock can be removed behind its holder's back. */
interface Place {
  readonly options: LockServiceOptions;
  /** Removes the lock without a notification, as DEL, FLUSHALL, SWAPDB or an eviction does. */
  remove(name: string): Promise<void>;
  /** Counts the notifications that are published for a name from now on. */
  countNotices(name: string): Promise<() => number>;
  /** Resolves when a waiter is subscribed. */
  untilListening(name: string): Promise<void>;
}

/** One renewal each second. The wait of a caller ends before the lease that it saw. */
const LEASE_MS = 3_000;
const LONG_MS = 600_000;

/** The holder of a lock that is gone learns it, and each waiter has to learn it from the holder. */
function describeLockGone(where: string, placeOf: () => Place, subject = EXCLUSIVE): void {
  describe(where, () => {
    let name: string;
    beforeEach(() => {
      name = uniqueName('gone');
    });

    it('a renewal that finds no lock notifies the waiters of other processes', async () => {
      const { options, remove, countNotices, untilListening } = placeOf();
      await using holder = await subject.connect({ ...options, lease: LEASE_MS });
      await using other = await subject.connect(options);
      const lease = await holder.acquire(name);
      const waiting = other.acquire(name, { wait: Infinity });
      await untilListening(name);
      const notices = await countNotices(name);
      const lost = new Promise((resolve) => lease.signal.addEventListener('abort', resolve, { once: true }));
      await remove(name);
      await lost;
      // The waiter keeps the lock: nothing but the holder publishes.
      const next = await waiting;
      await waitUntil('the waiters were notified', () => notices() > 0);
      expect(lease.signal.reason).toBeInstanceOf(LockLostError);
      await next.release();
      await lease.release();
      await untilIdle(holder, other);
    });

    it('an extension that finds no lock notifies the waiters of other processes', async () => {
      const { options, remove, countNotices, untilListening } = placeOf();
      await using holder = await subject.connect({ ...options, lease: LONG_MS });
      await using other = await subject.connect({ ...options, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const waiting = other.acquire(name, { wait: Infinity });
      await untilListening(name);
      const notices = await countNotices(name);
      await remove(name);
      await expect(lease.extend(LONG_MS)).rejects.toBeInstanceOf(LockLostError);
      const next = await waiting;
      await waitUntil('the waiters were notified', () => notices() > 0);
      await next.release();
      await lease.release();
      await untilIdle(holder, other);
    });

    it('a release that finds no lock notifies the waiters of other processes', async () => {
      const { options, remove, countNotices, untilListening } = placeOf();
      await using holder = await subject.connect({ ...options, lease: LONG_MS });
      await using other = await subject.connect({ ...options, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const waiting = other.acquire(name, { wait: Infinity });
      await untilListening(name);
      const notices = await countNotices(name);
      await remove(name);
      expect(await lease.release()).toBe('lost');
      const next = await waiting;
      await waitUntil('the waiters were notified', () => notices() > 0);
      await next.release();
      await untilIdle(holder, other);
    });

    it('the next caller of the same process is served as soon as a renewal finds no lock', async () => {
      const { options, remove } = placeOf();
      await using locks = await subject.connect({ ...options, lease: LEASE_MS });
      const lease = await locks.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      await remove(name);
      const next = await waiting;
      // The waiters of a semaphore ask Redis themselves, and may find the permit before the holder misses it.
      if (subject === EXCLUSIVE) expect(lease.signal.aborted).toBe(true);
      else await waitUntil('the holder is told', () => lease.signal.aborted);
      expect(next.token).toBeGreaterThan(lease.token);
      expect(await lease.release()).toBe('lost');
      expect(await locks.isHeld(name)).toBe(true);
      await next.release();
      await untilIdle(locks);
    });

    it('a lock that another process has acquired meanwhile stays with that process', async () => {
      const { options, remove } = placeOf();
      await using holder = await subject.connect({ ...options, lease: LONG_MS });
      await using other = await subject.connect({ ...options, lease: LONG_MS });
      const lease = await holder.acquire(name);
      await remove(name);
      const taken = await other.acquire(name);
      await expect(lease.extend(LONG_MS)).rejects.toBeInstanceOf(LockLostError);
      expect(await lease.release()).toBe('lost');
      await untilIdle(holder);
      taken.assertHeld();
      expect(await other.isHeld(name)).toBe(true);
      await taken.extend(LONG_MS);
      await taken.release();
      await untilIdle(other);
    });
  });
}

/** Counts messages on the channels that match by a connection of its own: the waiters for a fair lock have one each. */
async function countMatching(subscriber: Redis, pattern: string): Promise<() => number> {
  let count = 0;
  subscriber.on('pmessage', () => (count += 1));
  await subscriber.psubscribe(pattern);
  return () => count;
}

/** Counts messages on `channel` by a connection of its own. */
async function countMessages(subscriber: Redis, channel: string, sharded = false): Promise<() => number> {
  let count = 0;
  subscriber.on(sharded ? 'smessage' : 'message', (from: string) => (count += from === channel ? 1 : 0));
  await (sharded ? subscriber.ssubscribe(channel) : subscriber.subscribe(channel));
  return () => count;
}

describe('when a lock is removed behind its holder’s back', () => {
  describe('in memory', () => {
    let place: Place;
    beforeAll(() => {
      const state = new MemoryState();
      place = {
        options: { memory: state },
        remove: async (name) => state.delete(`lock:${name}`),
        countNotices: async (name) => {
          let count = 0;
          state.listen(`lock:${name}`, () => (count += 1));
          return () => count;
        },
        untilListening: async () => new Promise((resolve) => setTimeout(resolve, 50)),
      };
    });
    describeLockGone('one state', () => place);
  });

  describeEachWithRedisServer(SUBJECTS, 'of $label on one server', (subject) => {
    let server: RedisServer;
    let place: Place;
    beforeAll(async () => {
      server = await RedisServer.start();
      const admin = server.client();
      place = {
        options: { url: server.url },
        remove: async (name) => {
          await subject.lose(admin, name);
        },
        countNotices: (name) => countMatching(server.client(), `${subject.channel(name)}*`),
        untilListening: (name) => untilSubscribed(admin, name, 1, subject.channel),
      };
    });
    afterAll(() => server.stop());
    describeLockGone('by DEL', () => place, subject);
    describeLockGone(
      'by FLUSHALL',
      () => ({
        ...place,
        remove: async () => {
          await server.client().flushall();
        },
      }),
      subject,
    );
  });

  describeWithRedisServer('on a server with replicas that have to acknowledge', () => {
    let set: ReplicatedRedis;
    let place: Place;
    beforeAll(async () => {
      set = await ReplicatedRedis.start(1);
      const admin = set.master.client();
      await admin.set('first', 1);
      expect(await admin.wait(1, 20_000)).toBe(1);
      place = {
        options: { url: set.url, minReplicas: 1 },
        remove: async (name) => {
          await admin.del(lockKey(name));
        },
        countNotices: (name) => countMessages(set.master.client(), noticeChannel(name)),
        untilListening: (name) => untilSubscribed(admin, name),
      };
    }, 60_000);
    afterAll(() => set.stop());
    describeLockGone('by DEL', () => place);
  });

  describeWithRedisServer('on a cluster', () => {
    let cluster: RedisCluster;
    let client: Cluster;
    let place: Place;
    beforeAll(async () => {
      cluster = await RedisCluster.start({ masters: 3, replicas: 0 });
      client = new Cluster(cluster.nodes);
      const admins = (await cluster.masters()).map(({ admin }) => admin);
      place = {
        options: { cluster: { nodes: cluster.nodes } },
        remove: async (name) => {
          await client.del(lockKey(name));
        },
        countNotices: async (name) => {
          const { server } = await cluster.masterOf(lockKey(name));
          return countMessages(server.client(), noticeChannel(name), redisMajor() >= 7);
        },
        untilListening: (name) => untilSubscribed(admins, name),
      };
    }, 60_000);
    afterAll(async () => {
      client.disconnect();
      await cluster.stop();
    });
    describeLockGone('by DEL', () => place);
  });

  describeWithRedisServer('on a quorum of three', () => {
    let nodes: QuorumNodes;
    let place: Place;
    const options = (): LockServiceOptions => ({ quorum: nodes.urls, restartGuard: 0 });
    beforeAll(async () => {
      nodes = await QuorumNodes.start(3);
      const admins = nodes.servers.map((server) => server.client());
      place = {
        options: options(),
        remove: async (name) => {
          await Promise.all(admins.map((admin) => admin.del(lockKey(name))));
        },
        // A waiter that heard of it on one node may have the lock on the others before they are told.
        countNotices: async (name) => {
          const counts = await Promise.all(
            nodes.servers.map((server) => countMessages(server.client(), noticeChannel(name))),
          );
          return () => counts.reduce((sum, count) => sum + count(), 0);
        },
        untilListening: async (name) => {
          for (const admin of admins) await untilSubscribed(admin, name);
        },
      };
    }, 60_000);
    afterAll(() => nodes.stop());
    describeLockGone('by DEL on all nodes', () => place);

    it('the vote that a minority still has for a lost lock is released', async () => {
      const name = uniqueName('gone');
      await using locks: LockService = await connectLockService({ ...options(), lease: LONG_MS });
      const lease = await locks.acquire(name);
      const admins = nodes.servers.map((server) => server.client());
      const exist = async (): Promise<number> => {
        const found = await Promise.all(admins.map((admin) => admin.exists(lockKey(name))));
        return found.reduce((sum, one) => sum + one, 0);
      };
      expect(await exist()).toBe(3);
      for (const admin of admins.slice(1)) await admin.del(lockKey(name));
      await expect(lease.extend(LONG_MS)).rejects.toBeInstanceOf(LockLostError);
      await waitUntil('no node holds the lock any more', async () => (await exist()) === 0);
      await lease.release();
      await untilIdle(locks);
    });
  });
});
