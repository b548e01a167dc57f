import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { isNull } from 'drizzle-orm';
import { LeaderElection, connectLockService, type LockService } from 'nestjs-redis-lock';
import type { Shop } from '../../sample-app/lab/launch/shop.js';
import { orders } from '../../sample-app/shop/database/schema.js';
import { waitUntil } from '../support/wait-until.js';
import { ShopFixture } from './shop-fixture.js';

describe('the relay of order events', () => {
  let fixture: ShopFixture;
  let shop: Shop;
  let locks: LockService;
  let subscriber: Redis;
  const received: { id: number; lines: { sku: string; quantity: number }[] }[] = [];

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    const { redisUrl, redisPrefix } = fixture.backing;
    locks = await connectLockService({ url: redisUrl, keyPrefix: `${redisPrefix}lock:` });
    subscriber = new Redis(redisUrl);
    subscriber.on('message', (_channel, message) => received.push(JSON.parse(message) as (typeof received)[number]));
    await subscriber.subscribe(`${redisPrefix}order-events`);
    shop = await fixture.shop('with-lock', 3, { LOCK_LEASE_MS: '1500' });
  });
  afterAll(async () => {
    subscriber.disconnect();
    await locks.close();
    await fixture.stop();
  });

  const order = async (): Promise<number> => {
    const request = {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': randomUUID(),
        'Customer-Token': randomUUID(),
      },
      body: JSON.stringify({ lines: [{ sku: 'oak-table', quantity: 1 }] }),
    };
    // The proxy cannot know whether a replica that is killed has done a request, so the customer sends it again.
    const response = await waitUntil('the shop answers', async () => {
      const answer = await fetch(`${shop.url}/orders`, request);
      return answer.status === 502 ? undefined : answer;
    });
    expect(response!.status).toBe(201);
    return ((await response!.json()) as { id: number }).id;
  };
  const ids = () => received.map(({ id }) => id);
  const leader = async () => {
    const where = (await new LeaderElection(locks, 'orders:relay').leader())?.where;
    return shop.replicas.find(({ process }) => where?.endsWith(`:${String(process.pid)}`) === true);
  };

  it('sends an event for each order, in the order of their numbers', async () => {
    const placed: number[] = [];
    for (let i = 0; i < 5; i += 1) placed.push(await order());
    await waitUntil('all are announced', () => placed.every((id) => ids().includes(id)));
    expect(ids()).toEqual(placed);
    expect(received[0]).toMatchObject({ lines: [{ sku: 'oak-table', quantity: 1 }] });
    const waiting = () => fixture.database.select().from(orders).where(isNull(orders.announced));
    await waitUntil('that is recorded', async () => (await waiting()).length === 0);
  });

  it('continues on another replica when the leader is killed, and leaves no order out', async () => {
    const first = await waitUntil('one leads', leader);
    const before = received.length;
    first!.process.signal('SIGKILL');
    await first!.process.untilExit();
    const placed: number[] = [];
    for (let i = 0; i < 5; i += 1) placed.push(await order());
    await waitUntil('all are announced', () => placed.every((id) => ids().includes(id)));
    expect(ids().slice(before)).toEqual(placed);
    expect((await leader())?.name).not.toBe(first!.name);
  });
});
