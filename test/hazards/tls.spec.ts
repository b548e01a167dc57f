import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis, RedisOptions } from 'ioredis';
import { connectLockService, LockUnavailableError } from 'nestjs-redis-lock';
import { freePort } from '../../sample-app/services/ports.js';
import { makeTempDir, type TempDir } from '../../sample-app/services/temp-dir.js';
import { ChildScript } from '../support/child-script.js';
import { describeIfAble, describeUnless } from '../support/describe-unless.js';
import { knowsTls } from '../support/redis-program.js';
import { noRedisServer, RedisServer } from '../support/redis-server.js';
import { untilSubscribed } from '../support/subscribers.js';
import { uniqueName } from '../support/test-redis.js';
import { canMakeCertificates, makeCertificates, pem, type Certificates } from './testing/certificates.js';

const PASSWORD = 'top-secret';

const missing = canMakeCertificates() ? noRedisServer : 'there is no openssl on the PATH to make certificates';

function describeWithTls(name: string, tests: () => void): void {
  if (missing === undefined) describeIfAble(knowsTls() ? undefined : 'this server was built without TLS', name, tests);
  else describeUnless(missing, name, tests);
}

describeWithTls('a server that is reached by TLS only', () => {
  let folder: TempDir;
  let certificates: Certificates;
  let server: RedisServer;
  let trusting: RedisOptions;
  let admin: Redis;
  let url: string;
  let name: string;

  beforeAll(async () => {
    folder = makeTempDir('tls');
    certificates = makeCertificates(folder.path);
    const { ca, cert, key } = certificates;
    const port = await freePort();
    const tls = ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', '--requirepass', PASSWORD];
    const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key];
    server = await RedisServer.startWith({ port }, ...tls, ...files);
    trusting = { host: '127.0.0.1', port, password: PASSWORD, tls: { ca: pem(ca) } };
    admin = server.client(trusting);
    url = `rediss://:${PASSWORD}@127.0.0.1:${port}`;
  });
  beforeEach(() => {
    name = uniqueName('tls');
  });
  afterAll(async () => {
    await server.stop();
    folder.remove();
  });

  it('acquires a lock, and notifies waiters', async () => {
    await using locks = await connectLockService({ redis: trusting });
    await using others = await connectLockService({ redis: trusting });
    const lease = await locks.acquire(name);
    expect(await others.tryAcquire(name)).toBeNull();
    const waiting = others.acquire(name, { wait: Infinity });
    await untilSubscribed(admin, name);
    await expect(lease.release()).resolves.toBe('released');
    const next = await waiting;
    // Its holder's lease would have lasted much longer: it was the notice.
    expect(next.token).toBeGreaterThan(lease.token);
    await next.release();
  });

  it('works with a URL alone if NODE_EXTRA_CA_CERTS names the authority', async () => {
    await using child = ChildScript.start('hazards/children/over-tls.mjs', [url, name], {
      NODE_EXTRA_CA_CERTS: certificates.ca,
    });
    expect((await child.next('held')).token).toBeGreaterThan(0);
    expect((await child.exited).code).toBe(0);
  });

  it.each([
    ['nobody', () => ({})],
    ['another authority', () => ({ NODE_EXTRA_CA_CERTS: certificates.otherCa })],
  ])('fails with a URL alone if only %s signed the certificate', async (_who, env) => {
    await using child = ChildScript.start('hazards/children/over-tls.mjs', [url, name], env());
    const { code, message } = await child.next('refused');
    expect(code).toBe('LOCK_UNAVAILABLE');
    expect(message).toMatch(/certificate/);
    expect(message).not.toContain(PASSWORD);
    expect((await child.exited).code).toBe(0);
  });

  it('may emit several errors in one handshake, even after it was aborted', async () => {
    await using child = ChildScript.start('hazards/children/breaks-off.mjs', [url]);
    expect((await child.next('done')).refused).toBe(96);
    expect((await child.exited).code).toBe(0);
  });

  it.each<[string, (options: RedisOptions) => RedisOptions, RegExp]>([
    ['a wrong password', (options) => ({ ...options, password: `${PASSWORD}-not` }), /WRONGPASS/],
    ['no password', ({ password: _, ...options }) => options, /NOAUTH/],
    ['no TLS', ({ tls: _, ...options }) => options, /not reachable|connection/],
  ])('is unavailable with %s, and says why without the password', async (_what, change, why) => {
    const error = await connectLockService({ redis: change(trusting), startupTimeout: 800 }).then(
      (locks) => locks.close(),
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect((error as Error).message).toMatch(why);
    expect(inspect(error, { depth: 10 })).not.toContain(PASSWORD);
  });
});
