import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockUnavailableError } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { redisMajor, redisVersion } from '../support/redis-program.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

const KEYS = ['~lock:*', '~redisson_lock_token:{lock:*', '~lock_holder:{lock:*'];
const CHANNELS = ['&redisson_lock__channel:{lock:*'];
/** What the scripts, the waiting and the client itself call. */
const COMMANDS = [
  ...['eval', 'evalsha', 'get', 'set', 'del', 'pexpire', 'pttl', 'time', 'publish', 'subscribe'],
  ...['hexists', 'hset', 'hdel', 'hgetall'],
];
/** What ioredis would like at the start of a connection, and what only tidies up. */
const EXTRAS = ['unsubscribe', 'info', 'ping', 'hello', 'select', 'client|setname', 'client|setinfo', 'quit'];

describeWithRedisServer('an ACL user', () => {
  let server: RedisServer;
  let admin: Redis;
  let user: string;
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = server.client();
    // From here on the server knows the scripts, as one does that others use already: EVAL is not needed any more.
    await (await connectLockService({ url: server.url })).close();
  });
  beforeEach(() => {
    user = uniqueName('user');
    name = uniqueName('rights');
  });
  afterAll(() => server.stop());

  async function allow(commands: string[], patterns = [...KEYS, ...CHANNELS]): Promise<string> {
    const all = (await admin.call('COMMAND')) as [string, ...unknown[]][];
    const known = new Set([...all.map(([command]) => command), 'client|setname', 'client|setinfo']);
    const rights = commands.filter((each) => known.has(each) && (redisVersion() >= 7.2 || each !== 'client|setinfo'));
    await admin.acl(
      'SETUSER',
      user,
      'reset',
      'resetchannels',
      'on',
      '>secret',
      ...patterns,
      '-@all',
      ...rights.map((each) => `+${each}`),
    );
    return `redis://${user}:secret@127.0.0.1:${server.port}`;
  }

  it('needs only the documented permissions for everything a lock does', async () => {
    const url = await allow([...COMMANDS, ...EXTRAS]);
    await using locks = await connectLockService({ url, lease: 3_000 });
    await using others = await connectLockService({ url });
    const lease = await locks.acquire(name);
    await admin.script('FLUSH');
    const waiting = others.acquire(name);
    await waitUntil('it is due for renewal', () => lease.remaining() < 2_200);
    await waitUntil('it is renewed', () => lease.remaining() > 2_200);
    await lease.extend(3_000);
    expect((await others.inspect(name)).held).toBe(true);
    await expect(lease.release()).resolves.toBe('released');
    await (await waiting).release();
    await locks.withLock([name, `${name}:2`], () => undefined, { holdAtLeast: 50 });
    await locks.acquire(`${name}:forced`);
    expect(await others.forceRelease(`${name}:forced`)).toBe(true);
    const denied = (await admin.acl('LOG')) as unknown[][];
    // ioredis also sends CLIENT SETINFO, which servers before 7.2 do not have. Redis 6.2 checks the permission for it first.
    expect(denied.filter((entry) => redisMajor() >= 7 || !entry.includes('client'))).toEqual([]);
    await locks.withLock(`${name}:last`, () => undefined);
  });

  it.each(COMMANDS)('without the permission for %s makes start-up fail', async (command) => {
    const url = await allow([...COMMANDS, ...EXTRAS].filter((each) => each !== command));
    const error = await connectLockService({ url, startupTimeout: 2_000 }).then(
      (locks) => locks.close(),
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect(error).toMatchObject({ retryable: false });
    const { message } = error as Error;
    expect(message).toMatch(new RegExp(`needs permission for .*${command.toUpperCase()}.*ACL rules`));
    expect(message).not.toMatch(/[0-9a-f]{40}/);
  });

  it.each([
    ['the locks', [KEYS[1]!, ...CHANNELS]],
    ['the tokens', [KEYS[0]!, ...CHANNELS]],
    ['the notices', KEYS],
    ['all but another prefix', ['~other:*', '~redisson_lock_token:{other:*', '&redisson_lock__channel:{other:*']],
  ])('without permission for the keys or channels of %s makes start-up fail', async (_what, patterns) => {
    const url = await allow([...COMMANDS, ...EXTRAS], patterns);
    await expect(connectLockService({ url, startupTimeout: 2_000 })).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      retryable: false,
    });
  });

  it('that loses its permissions later makes calls fail at once, and holders are notified of the loss in time', async () => {
    const url = await allow([...COMMANDS, ...EXTRAS]);
    const locks = await connectLockService({ url, lease: 900, shutdownTimeout: 100 });
    const lease = await locks.acquire(name);
    await admin.acl('SETUSER', user, '-pexpire');
    await expect(locks.acquire(`${name}:new`, { wait: Infinity })).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      retryable: false,
    });
    await waitUntil('the holder is told', () => lease.signal.aborted);
    await lease.release();
    await admin.acl('SETUSER', user, '+pexpire');
    await locks.withLock(`${name}:new`, () => undefined);
    await untilIdle(locks);
    await locks.close();
    expect(await admin.exists(lockKey(name))).toBe(0);
  });

  it('that loses the permission to publish later still releases its locks', async () => {
    const url = await allow([...COMMANDS, ...EXTRAS]);
    await using locks = await connectLockService({ url });
    const lease = await locks.acquire(name);
    await admin.acl('SETUSER', user, 'resetchannels', '-publish');
    await expect(lease.release()).resolves.toBe('released');
    expect(await admin.exists(lockKey(name))).toBe(0);
    const forced = await locks.acquire(name);
    expect(await locks.forceRelease(name)).toBe(true);
    await expect(forced.release()).resolves.toBe('lost');
  });

  it("with a wrong password makes start-up fail with the server's message", async () => {
    await allow([...COMMANDS, ...EXTRAS]);
    const url = `redis://${user}:wrong@127.0.0.1:${server.port}`;
    const error = await connectLockService({ url, startupTimeout: 300 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect((error as Error).message).toMatch(/WRONGPASS/);
    expect((error as Error).message).not.toContain('wrong@');
    // ioredis keeps the arguments of AUTH and HELLO on its errors.
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/'wrong'|:wrong/);
  });
});
