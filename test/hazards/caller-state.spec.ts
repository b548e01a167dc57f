import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import { connectLockService, LockConfigError } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { ReplicatedRedis } from '../support/replicated-redis.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer("a caller's client whose state differs from its options", () => {
  let set: ReplicatedRedis;
  const clients: Redis[] = [];
  let name: string;

  beforeAll(async () => {
    set = await ReplicatedRedis.start(1);
    await waitUntil('the replica acknowledges', () => set.master.client().wait(1, 1_000));
  }, 60_000);
  beforeEach(() => {
    name = uniqueName('state');
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await set.stop();
  });

  const open = (options: RedisOptions = {}): Redis => {
    const client = new Redis(set.url, { disconnectTimeout: 50, ...options });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  /** The databases in which there is a key of this lock. */
  const databases = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const db of [0, 1, 2, 3]) {
      const admin = open({ db });
      if ((await admin.exists(lockKey(name))) === 1) found.push(db);
      admin.disconnect();
    }
    return found;
  };

  it.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])('works in the selected database with all its connections (minReplicas %i and %i)', async (one, other) => {
    const client = open();
    await client.select(2);
    await using here = await connectLockService({ client, minReplicas: one });
    await using there = await connectLockService({ url: `${set.url}/2`, minReplicas: other });
    const lease = await here.acquire(name);
    expect(await databases()).toEqual([2]);
    expect(await there.tryAcquire(name)).toBeNull();
    const waiting = there.acquire(name, { wait: 10_000 });
    await waitUntil('another one waits', () => there.stats().waiting === 1);
    await lease.extend(30_000);
    expect(await lease.release()).toBe('released');
    await (await waiting).release();
    await untilIdle(here, there);
    expect(await databases()).toEqual([]);
  });

  it.each([0, 1])('keeps the database after a reconnection (minReplicas %i)', async (minReplicas) => {
    const client = open();
    await client.select(2);
    await using locks = await connectLockService({ client, minReplicas });
    const back = once(client, 'ready');
    client.disconnect(true);
    await back;
    const lease = await locks.acquire(name);
    expect(await databases()).toEqual([2]);
    expect(await lease.release()).toBe('released');
  });

  it.each([
    ['select()', 0, (client: Redis, db: number) => client.select(db)],
    ['select()', 1, (client: Redis, db: number) => client.select(db)],
    ['call()', 0, (client: Redis, db: number) => client.call('select', db)],
    ['SELECT', 0, (client: Redis, db: number) => client.call('SELECT', db)],
    ['SELECT', 1, (client: Redis, db: number) => client.call('SELECT', String(db))],
    ['a pipeline', 1, (client: Redis, db: number) => client.pipeline().select(db).exec()],
    ['SELECT in a pipeline', 0, (client: Redis, db: number) => client.pipeline().call('SELECT', db).exec()],
    ['SELECT in a transaction', 0, (client: Redis, db: number) => client.multi().call('SELECT', db).exec()],
  ] as const)(
    'is not used while %s has it in another database (minReplicas %i), and works again when it is back',
    async (_how, minReplicas, select) => {
      const client = open();
      await using locks = await connectLockService({ client, minReplicas });
      const lease = await locks.acquire(name);
      await select(client, 3);
      const attempt = locks.acquire(uniqueName('later'), { wait: 0 });
      await expect(attempt).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', retryable: false });
      await expect(attempt).rejects.toThrow(/from database 0 to 3 by SELECT.*client\.duplicate\(\)/);
      expect(await databases()).toEqual([0]);
      await select(client, 0);
      expect(await lease.release()).toBe('released');
    },
  );

  it.each([
    ['reset()', 0, (client: Redis) => client.reset()],
    ['RESET', 1, (client: Redis) => client.call('RESET')],
  ] as const)(
    'is not used while %s has it in database 0 (minReplicas %i), and works again after a reconnection',
    async (_how, minReplicas, reset) => {
      const client = open({ db: 2 });
      await using locks = await connectLockService({ client, minReplicas });
      await locks.withLock(name, () => undefined);
      await reset(client);
      await expect(locks.acquire(name, { wait: 0 })).rejects.toThrow(/from database 2 to 0 by SELECT or RESET/);
      const back = once(client, 'ready');
      client.disconnect(true);
      await back;
      const lease = await locks.acquire(name);
      expect(await databases()).toEqual([2]);
      await lease.release();
    },
  );

  it('is rejected at start-up in another database than ioredis assumes', async () => {
    const client = open();
    await client.call('SELECT', 2);
    const error = await connectLockService({ client }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockConfigError);
    expect((error as Error).message).toMatch(/does not use database 0.*client\.duplicate\(\{ db \}\)/);
    const copy = client.duplicate({ db: 2 });
    clients.push(copy);
    await using locks = await connectLockService({ client: copy });
    await locks.withLock(name, () => undefined);
  });

  it('is rejected while it is a subscriber or a monitor', async () => {
    const subscriber = open({ protocol: 2 });
    await subscriber.subscribe('channel');
    const monitor = await open().monitor();
    clients.push(monitor);
    for (const [client, advice] of [
      [subscriber, 'client.duplicate()'],
      [monitor, 'client.duplicate({ monitor: false })'],
    ] as const) {
      const error = await connectLockService({ client }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LockConfigError);
      expect((error as Error).message).toContain(advice);
    }
  });

  it('is rejected at start-up while it is inside a transaction', async () => {
    const client = open();
    await client.multi({ pipeline: false });
    const error = await connectLockService({ client }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockConfigError);
    expect((error as Error).message).toMatch(/inside a transaction \(MULTI\)/);
  });
});
