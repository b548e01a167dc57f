import { inspect } from 'node:util';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, createLockService, LockBusyError, type LockService } from 'nestjs-redis-lock';
import { refused } from '../../lib/stores/redis/connection/server-error.js';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

describe('the printed form of a lease', () => {
  let locks: LockService;
  let name: string;

  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl() });
    name = uniqueName('printed');
  });
  afterEach(() => locks.close());

  it('is its name, token, state and remaining time, as JSON and in a log', async () => {
    const lease = await locks.acquire(name);
    const json = JSON.parse(JSON.stringify({ lease })).lease;
    expect(json).toEqual({ name, token: lease.token, state: 'held', remainingMs: expect.any(Number) });
    expect(Number.isInteger(json.remainingMs)).toBe(true);
    const printed = inspect({ lease });
    expect(printed).toContain(`Lease {`);
    expect(printed).toContain(`name: '${name}'`);
    expect(printed.split('\n').length).toBeLessThan(10);
    await lease.release();
    expect(lease.toJSON()).toMatchObject({ state: 'released', remainingMs: 0 });
  });

  it('shows that it is lost, or that the service was closed', async () => {
    const lost = await locks.acquire(name, { lease: 50, renew: false });
    await waitUntil('it is lost', () => lost.signal.aborted);
    expect(lost.toJSON()).toEqual({ name, token: lost.token, state: 'lost', remainingMs: 0 });
    await lost.release();
    expect(lost.toJSON().state).toBe('lost');

    const closing = createLockService({ memory: true, shutdownTimeout: 0 });
    const lease = await closing.acquire(name);
    await closing.close();
    expect(lease.toJSON().state).toBe('shutdown');
  });

  it('is the same for several locks', async () => {
    const both = await locks.acquire([`${name}:b`, `${name}:a`]);
    const { leases, remainingMs } = JSON.parse(JSON.stringify(both));
    expect(leases).toMatchObject([
      { name: `${name}:a`, state: 'held' },
      { name: `${name}:b`, state: 'held' },
    ]);
    expect(Number.isInteger(remainingMs)).toBe(true);
    expect(inspect(both).split('\n').length).toBeLessThan(20);
    await both.release();
  });

  it('of a service has its counts, and no password', async () => {
    await using secret = createLockService({ url: 'redis://user:secret@127.0.0.1:1' });
    expect(inspect({ secret }, { depth: 20, breakLength: Infinity })).toBe(
      '{ secret: LockService { held: 0, waiting: 0, unsettled: 0, failingRenewals: 0, unnotified: 0, skipped: { ran: 0, running: 0 } } }',
    );
    expect(JSON.stringify(secret)).toBe(
      '{"held":0,"waiting":0,"unsettled":0,"failingRenewals":0,"unnotified":0,"skipped":{"ran":0,"running":0}}',
    );
  });

  it('has times in whole milliseconds, in errors and on the diagnostics channels, too', async () => {
    const messages: Record<string, unknown>[] = [];
    const listen = (message: unknown): void => void messages.push(message as Record<string, unknown>);
    const channels = ['acquired', 'released', 'refused'].map((each) => `nestjs-redis-lock:${each}`);
    for (const each of channels) subscribe(each, listen);
    await using others = await connectLockService({ url: testRedisUrl() });
    const lease = await locks.acquire(name);
    const error = await others.acquire(name, { wait: 300 }).catch((e: unknown) => e as LockBusyError);
    await lease.release();
    for (const each of channels) unsubscribe(each, listen);
    expect(messages).toHaveLength(3);
    const times = [...messages, error as unknown as Record<string, unknown>].flatMap((each) =>
      Object.entries(each).filter(([key]) => key.endsWith('Ms')),
    );
    expect(times.map(([key]) => key)).toEqual(
      expect.arrayContaining(['waitedMs', 'leaseMs', 'remainingMs', 'heldMs', 'waitedMs', 'remainingMs']),
    );
    expect(times.filter(([, ms]) => !Number.isInteger(ms))).toEqual([]);
    const busy = new LockBusyError('n', { reason: 'held', waitedMs: 4.6, remainingMs: 14388.994592000001 });
    expect({ waited: busy.waitedMs, left: busy.remainingMs }).toEqual({ waited: 5, left: 14389 });
    expect(Number.isInteger(lease.remaining())).toBe(true);
  });
});

describe('the error for a missing permission', () => {
  const sha = 'd6ab5727a6b330a78c490beb2bd701aac087993b';
  const messageOf = (message: string): string =>
    refused(Object.assign(new Error(message), { name: 'ReplyError' }), 'a').message;

  it.each([
    // Redis 7.0, outside and inside of a script.
    [`NOPERM this user has no permissions to run the 'publish' command`, 'the command PUBLISH'],
    ['NOPERM this user has no permissions to access one of the channels used as arguments', 'the channels'],
    ['NOPERM this user has no permissions to access one of the keys used as arguments', 'the keys'],
    [
      `ERR The user executing the script can't run this command or subcommand script: ${sha}, on @user_script:12.`,
      'each command that locks call (GET, SET, DEL',
    ],
    [
      `ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: ${sha}, on @user_script:1.`,
      'the keys',
    ],
    [
      `ERR The user executing the script can't publish to the channel mentioned in the command script: ${sha}, on @user_script:1.`,
      'the channels',
    ],
    // Redis 7.2.
    [
      `NOPERM ACL failure in script: User shop has no permissions to run the 'hset' command script: ${sha}, on @user_script:1.`,
      'the command HSET',
    ],
    // Redis 6.2.
    [
      `ERR Error running script (call to f_${sha}): @user_script:7: @user_script: 7: -NOPERM this user has no permissions to run the 'hset' command or its subcommand `,
      'the command HSET',
    ],
  ])('names the permission, and no digest of a script: %s', (message, right) => {
    const text = messageOf(message);
    expect(text).toContain(`The Redis user needs permission for ${right}`);
    expect(text).not.toMatch(/[0-9a-f]{40}|@user_script/);
  });

  it('gives no advice for another error', () => {
    expect(messageOf('LOADING Redis is loading the dataset in memory')).toBe(
      'Lock "a" is unavailable: Redis refused the request (LOADING Redis is loading the dataset in memory).',
    );
  });
});
