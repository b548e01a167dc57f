import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService } from 'nestjs-redis-lock';
import { confirmed } from '../../lib/stores/redis/notifications/confirmed.js';
import { RunningTimer } from '../../lib/time/running-timer.js';
import { Deadline, Deadlines } from '../../lib/time/deadlines.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { SUBJECTS, teachScripts, type Locks } from '../support/subjects.js';
import { subscribersOf } from '../support/subscribers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

/** Nothing else runs meanwhile: no timer, no reply. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Sends a request in this turn of the event loop, and stalls the loop from the next turn on, while Redis answers. */
async function stallFor<T>(ms: number, send: () => Promise<T>): Promise<T> {
  const reply = send();
  reply.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  block(ms);
  return reply;
}

describe.each(SUBJECTS)('a stall of the event loop with the reply about $label in the socket', (subject) => {
  let locks: Locks;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    locks = await subject.connect({ url: testRedisUrl(), commandTimeout: 200 });
    admin = redisClient();
    name = uniqueName('stall');
    await teachScripts(locks);
  });
  afterEach(async () => {
    await locks.close();
    admin.disconnect();
  });

  it('does not fail a single attempt to acquire', async () => {
    const lease = await stallFor(300, () => locks.tryAcquire(name));
    expect(lease).not.toBeNull();
    await lease!.release();
    await untilIdle(locks);
  });

  it('does not fail an attempt with a short lease, whose timeout is shorter', async () => {
    const lease = await stallFor(150, () => locks.tryAcquire(name, { lease: 300, renew: false }));
    lease!.assertHeld();
    await lease!.release();
    await untilIdle(locks);
  });

  it('does not make a release unconfirmed', async () => {
    const lease = await locks.acquire(name);
    await expect(stallFor(300, () => lease.release())).resolves.toBe('released');
    expect(await admin.exists(subject.key(name))).toBe(0);
    await untilIdle(locks);
  });

  it('does not fail an extend', async () => {
    const lease = await locks.acquire(name);
    await stallFor(300, () => lease.extend(60_000));
    expect(lease.remaining()).toBeGreaterThan(40_000);
    await lease.release();
  });

  it('does not end the wait of a caller whose grant is in the socket', async () => {
    const lease = await stallFor(300, () => locks.acquire(name, { wait: 100 }));
    lease.assertHeld();
    await lease.release();
    await untilIdle(locks);
  });
});

describe('a stall of the event loop with a reply in the socket', () => {
  let name: string;

  beforeEach(() => {
    name = uniqueName('stall');
  });

  it('does not fail start-up', async () => {
    await using late = await stallFor(600, () => connectLockService({ url: testRedisUrl(), startupTimeout: 400 }));
    await (await late.acquire(name)).release();
  });

  it('does not fail a single attempt over a quorum', async () => {
    await using nodes = await QuorumNodes.start(3);
    await using quorum = await connectLockService({ quorum: nodes.urls, commandTimeout: 200, restartGuard: 0 });
    // Teaches the nodes the scripts, which takes one more round trip.
    await (await quorum.acquire(name)).release();
    const lease = await stallFor(300, () => quorum.tryAcquire(name, { lease: 20_000, renew: false }));
    lease!.assertHeld();
    await lease!.release();
  });
});

describeWithRedisServer('a stall of the event loop that is longer than a connection may be silent', () => {
  it('replaces no healthy connection', async () => {
    await using server = await RedisServer.start();
    await using locks = await connectLockService({ url: server.url });
    const connections = async (): Promise<string[]> => {
      const list = String(await server.client().call('client', 'list'));
      return [...list.matchAll(/^id=(\d+) .*name=nestjs-redis-lock/gm)].map(([, id]) => id!).sort();
    };
    const before = await connections();
    const lease = await stallFor(2_600, () => locks.acquire(uniqueName('stall')));
    await lease.release();
    await sleep(300);
    expect(await connections()).toEqual(before);
  });

  it('replaces no healthy connection for notifications', async () => {
    const name = uniqueName('stall');
    await using server = await RedisServer.start();
    const admin = server.client();
    // The proxy runs in this process and stalls with it: the data waits in sockets meanwhile.
    const proxy = await TcpProxy.start(server.url);
    await using holder = await connectLockService({ url: server.url, lease: 600_000 });
    await using waiter = await connectLockService({ url: proxy.url, lease: 600_000 });
    const lease = await holder.acquire(name);
    const waiting = waiter.acquire(name, { wait: Infinity });
    await waitUntil('the waiter is subscribed', async () => (await subscribersOf(admin, name)) === 1);
    const { opened } = proxy;
    for (let round = 0; round < 4; round += 1) {
      await sleep(300);
      block(2_500);
    }
    await sleep(700);
    expect(proxy.opened).toBe(opened);
    await lease.release();
    await (await waiting).release();
    await untilIdle(holder, waiter);
    await proxy.close();
  });
});

describe('after a stall of the event loop', () => {
  /** Resolves in the poll phase of the event loop, as data from a socket arrives. */
  const arrival = async (): Promise<void> => {
    const { stat } = await import('node:fs');
    await new Promise<void>((resolve) => stat('/', () => resolve()));
  };

  it('due timers run after the data that has arrived', async () => {
    const order: string[] = [];
    const deadlines = new Deadlines();
    class Entry extends Deadline {
      override onDue(): void {
        order.push('due');
      }
    }
    deadlines.add(new Entry(), performance.now() + 10);
    const data = arrival().then(() => order.push('data'));
    await new Promise((resolve) => setImmediate(resolve));
    block(100);
    await data;
    await new Promise((resolve) => setTimeout(resolve, 50));
    deadlines.clear();
    expect(order).toEqual(['data', 'due']);
  });

  it('a subscription whose confirmation has arrived is confirmed', async () => {
    const sent = arrival();
    const waiting = confirmed(sent, 20);
    await new Promise((resolve) => setImmediate(resolve));
    block(100);
    await waiting;
  });

  it('a timeout has most of its time left', async () => {
    const began = performance.now();
    let due = false;
    const timer = new RunningTimer(400, () => (due = true));
    block(500);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(due).toBe(false);
    await new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (!due) return;
        clearInterval(look);
        resolve();
      }, 10);
    });
    expect(performance.now() - began).toBeGreaterThanOrEqual(500 + 300);
    timer.stop();
  });
});
