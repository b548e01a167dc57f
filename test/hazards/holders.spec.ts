import { hostname } from 'node:os';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, createLockService } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { holderKey, lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer('the record of a process that holds locks', () => {
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    server = await RedisServer.start();
    admin = server.client();
    name = uniqueName('held');
  });
  afterEach(async () => {
    await server.stop();
  });

  const records = async (): Promise<string[]> => (await admin.keys('lock_holder:*')).sort();

  it('is one key, which expires, however many locks it holds, and is removed when it stops', async () => {
    const locks = await connectLockService({ url: server.url });
    const [key] = await records();
    expect(await records()).toHaveLength(1);
    const leases = await Promise.all(['a', 'b', 'c'].map((each) => locks.acquire(each)));
    const { owner } = await locks.inspect('a');
    expect(key).toBe(holderKey(owner!.split(':')[0]!));
    expect(await records()).toEqual([key]);
    expect(await admin.pttl(key!)).toBeGreaterThan(60_000);
    expect(await admin.pttl(key!)).toBeLessThanOrEqual(90_000);
    await Promise.all(leases.map((lease) => lease.release()));
    await locks.close();
    expect(await records()).toEqual([]);
  });

  it('tells who holds the lock of a process that was killed, as long as it holds it', async () => {
    await using locks = await connectLockService({ url: server.url });
    await using child = ChildScript.start('hazards/children/holder.mjs', [server.url, name, '30000']);
    await child.next('held');
    await child.kill('SIGKILL');
    await child.exited;
    const { holder } = await locks.inspect(name);
    expect(holder).toMatchObject({ host: hostname(), pid: child.pid });
    const refused = await locks.acquire(name, { wait: 500 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ holder: { pid: child.pid } });
  });

  it.each([
    ['a Java thread', 'a5d3c9ae-6f1d-4a8e-9d62-1b2f9a0c7e11:37', undefined],
    ['something else', 'me', undefined],
    ['a service whose record is no JSON', 'a5d3c9ae-6f1d-4a8e-9d62-1b2f9a0c7e11:1', '{'],
    ['a service whose record has other types', 'a5d3c9ae-6f1d-4a8e-9d62-1b2f9a0c7e11:1', '{"host":5,"pid":"x"}'],
  ])('is not needed: %s is unknown', async (_what, owner, record) => {
    await using locks = await connectLockService({ url: server.url });
    await admin.hset(lockKey(name), owner, '1');
    if (record !== undefined) await admin.set(holderKey(owner.split(':')[0]!), record);
    expect(await locks.inspect(name)).toMatchObject({ held: true, owner, holder: undefined });
    await expect(locks.acquire(name, { wait: 500 })).rejects.toMatchObject({ code: 'LOCK_BUSY', holder: undefined });
  });

  it('cannot forge a line of a log', async () => {
    await using locks = await connectLockService({ url: server.url });
    const id = 'a5d3c9ae-6f1d-4a8e-9d62-1b2f9a0c7e11';
    await admin.hset(lockKey(name), `${id}:1`, '1');
    await admin.set(holderKey(id), JSON.stringify({ host: 'web\nERROR', pid: 1, since: 0, service: 'shop' }));
    const refused = await locks.acquire(name, { wait: 500 }).catch((error: unknown) => error);
    expect((refused as Error).message).toContain('shop on host web\\u000aERROR, pid 1');
  });

  it('is read once for each process', async () => {
    await using one = await connectLockService({ url: server.url });
    await using other = await connectLockService({ url: server.url });
    await using _lease = await other.acquire(name);
    expect((await one.inspect(name)).holder).toBeDefined();
    const key = holderKey((await one.inspect(name)).owner!.split(':')[0]!);
    await admin.del(key);
    expect((await one.inspect(name)).holder).toBeDefined();
  });

  it('is reported once if it is refused, and locks work without it', async () => {
    const rights = ['on', '>password', 'allcommands', 'allchannels', '~lock:*', '~redisson_lock_token:{lock:*'];
    await admin.call('ACL', 'SETUSER', 'locks', ...rights);
    const lines: string[] = [];
    const url = `redis://locks:password@127.0.0.1:${server.port}`;
    await using locks = await connectLockService({ url, logger: { warn: (line) => lines.push(line) } });
    expect(await locks.withLock(name, () => 'ran')).toBe('ran');
    await using _held = await locks.acquire(name);
    expect(await locks.inspect(name)).toMatchObject({ held: true, holder: { pid: process.pid } });
    expect(lines.filter((line) => line.includes('could not be registered'))).toHaveLength(1);
    expect(lines.join()).not.toContain('password');
  });

  it('has what the environment says by default, and what the option says', async () => {
    process.env.OTEL_SERVICE_NAME = 'from the environment';
    try {
      await using locks = await connectLockService({ url: server.url });
      await using named = await connectLockService({ url: server.url, service: { name: 'shop' } });
      await using _one = await locks.acquire('a');
      await using _two = await named.acquire('b');
      expect((await named.inspect('a')).holder).toMatchObject({ service: 'from the environment' });
      expect((await locks.inspect('b')).holder).toMatchObject({ service: 'shop' });
    } finally {
      delete process.env.OTEL_SERVICE_NAME;
    }
  });

  it('is written in the background by a service that does not wait for Redis', async () => {
    await using _locks = createLockService({ url: server.url });
    await waitUntil('it is there', async () => (await records()).length === 1);
  });
});
