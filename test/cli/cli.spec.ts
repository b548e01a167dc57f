import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const cli = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
const env = { ...process.env, REDIS_URL: testRedisUrl(), NODE_OPTIONS: '' };

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** A command that is ended by the test. */
function start(...args: string[]): { child: ChildProcess; ended: Promise<number | null>; out: () => string } {
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  return { child, ended: once(child, 'exit').then(([code]) => code as number | null), out: () => out };
}

const NODE = process.execPath;

describe('the command line', () => {
  const admin = redisClient();
  let locks: LockService;
  let name: string;

  beforeAll(async () => {
    locks = await connectLockService({ url: testRedisUrl(), service: { name: 'shop', version: '1.2.3' } });
  });
  beforeEach(() => {
    name = uniqueName('cli');
  });
  afterAll(async () => {
    await locks.close();
    admin.disconnect();
  });

  it('says who holds a lock, and not its owner', async () => {
    expect(await run('inspect', name)).toEqual({ code: 0, out: `Lock "${name}" is free.\n`, err: '' });
    await using lease = await locks.acquire(name, { mode: 'write' });
    const { out } = await run('inspect', name);
    expect(out).toContain(`Lock "${name}" is held (write) by shop 1.2.3, pid ${String(process.pid)} on `);
    expect(out).toContain(`token ${String(lease.token)}`);
    expect(out.replaceAll(name, '')).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
  });

  it('watches a lock until it is interrupted', async () => {
    const { child, ended, out } = start('watch', name);
    await waitUntil('it says that the lock is free', () => out().includes('is free'));
    const lease = await locks.acquire(name);
    await waitUntil('it says that the lock is held', () => out().includes('is held by shop'));
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    await lease.release();
  });

  it('releases a lock of another process', async () => {
    const lease = await locks.acquire(name);
    expect(await run('release', name)).toMatchObject({ code: 0, out: `Lock "${name}" was released.\n` });
    expect(await lease.release()).toBe('lost');
    expect(await run('release', name)).toMatchObject({ code: 0, out: `Lock "${name}" is free.\n` });
  });

  it('runs a command under a lock, and has its exit code', async () => {
    const script = 'console.log(process.env.LOCK_NAME, process.env.LOCK_TOKEN); process.exit(7)';
    const { code, out } = await run('run', name, '--', NODE, '-e', script);
    expect(code).toBe(7);
    expect(out).toMatch(new RegExp(`^${name} \\d{16}\n$`));
    expect(await admin.exists(lockKey(name))).toBe(0);
    expect((await run('run', name, '--', NODE, '-e', 'process.kill(process.pid, "SIGKILL")')).code).toBe(137);
  });

  it('does not run it while others hold the lock', async () => {
    await using _lease = await locks.acquire(name);
    const { code, out, err } = await run('run', name, '--wait', '0', '--', NODE, '-e', 'console.log("ran")');
    expect({ code, out }).toEqual({ code: 75, out: '' });
    expect(err).toContain(name);
  });

  it('ends the command when the lock is lost', async () => {
    const script =
      'console.log("runs"); setInterval(() => undefined, 1e6); process.on("SIGTERM", () => process.exit())';
    const { ended, out } = start('run', name, '--lease', '900', '--', NODE, '-e', script);
    await waitUntil('it runs', () => out().includes('runs'));
    await admin.del(lockKey(name));
    expect(await ended).toBe(76);
  });

  it('passes a signal on to the command, and releases the lock when it has ended', async () => {
    const script =
      'console.log("runs"); setInterval(() => undefined, 1e6); process.on("SIGTERM", () => process.exit(3))';
    const { child, ended, out } = start('run', name, '--', NODE, '-e', script);
    await waitUntil('it runs', () => out().includes('runs'));
    child.kill('SIGTERM');
    expect(await ended).toBe(3);
    expect(await admin.exists(lockKey(name))).toBe(0);
  });

  it.each([
    [[], 'Unknown command: none'],
    [['list'], 'Unknown command: list'],
    [['inspect'], '"inspect" needs the name of one lock'],
    [['inspect', 'a', 'b'], '"inspect" needs the name of one lock'],
    [['run', 'a'], '"run", and no other, has a command behind "--"'],
    [['release', 'a', '--', 'b'], '"run", and no other, has a command behind "--"'],
    [['inspect', 'a', '--what'], "Unknown option '--what'"],
    [['inspect', ''], 'must not be empty'],
    [['run', 'a', '--lease', 'long', '--', 'true'], '"lease"'],
  ])('rejects %j', async (args, message) => {
    const { code, err } = await run(...args);
    expect(err).toContain(message);
    expect(code).toBe(64);
  });

  it('says that Redis is unavailable, without the password', async () => {
    const { code, err } = await run('inspect', name, '--url', 'redis://:secret@127.0.0.1:1');
    expect(code).toBe(69);
    expect(err).not.toContain('secret');
  });

  it('says that a command cannot be run', async () => {
    const { code, err } = await run('run', name, '--', '/no/such/program');
    expect({ code, known: err.includes('/no/such/program') }).toEqual({ code: 127, known: true });
    expect(await admin.exists(lockKey(name))).toBe(0);
  });
});
