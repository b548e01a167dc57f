import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockUnavailableError } from 'nestjs-redis-lock';
import { RELEASE_PERMITS_SCRIPT, RELEASE_SCRIPT } from '../../lib/stores/redis/lua/index.js';
import { describeEachWithRedisServer, RedisServer } from '../support/redis-server.js';
import { EXCLUSIVE, SUBJECTS } from '../support/subjects.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { Witness } from '../support/witness.js';

describeEachWithRedisServer(SUBJECTS, 'a server with $label that loses its scripts', (subject) => {
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = server.client();
  });
  beforeEach(() => {
    name = uniqueName('script-flush');
  });
  afterAll(() => server.stop());

  it('still grants, renews and releases a lock', async () => {
    await using locks = await subject.connect({ url: server.url, lease: 600 });
    await admin.script('FLUSH');
    const lease = await locks.acquire(name);
    await admin.script('FLUSH');
    await sleep(1_200);
    lease.assertHeld();
    expect(lease.signal.aborted).toBe(false);
    await admin.script('FLUSH');
    await expect(lease.release()).resolves.toBe('released');
    expect(await admin.exists(subject.key(name))).toBe(0);
  });

  it('serves every caller, one at a time, with repeated script flushes', async () => {
    await using one = await subject.connect({ url: server.url });
    await using two = await subject.connect({ url: server.url });
    const witness = new Witness();
    let served = 0;
    const callers = [one, two, one, two].map(async (locks) => {
      for (let round = 0; round < 15; round += 1) {
        await locks.withLock(name, ({ token }) => witness.watch(token, () => sleep(1)));
        served += 1;
      }
    });
    const done = new AbortController();
    const flushing = (async () => {
      while (!done.signal.aborted) await admin.script('FLUSH');
    })();
    await Promise.all(callers);
    done.abort();
    await flushing;
    expect({ served, most: witness.most, tokensGrew: witness.tokensGrew }).toEqual({
      served: 60,
      most: 1,
      tokensGrew: true,
    });
    await untilIdle(one, two);
  });

  it('does not receive the script of an acquire that was abandoned meanwhile', async () => {
    await using proxy = await TcpProxy.start(server.url);
    await using locks = await subject.connect({ url: proxy.url, commandTimeout: 200, lease: 60_000 });
    await admin.script('FLUSH');
    // The release that cleans up is known, the acquire is not: its EVAL would come after it.
    await admin.script('LOAD', (subject === EXCLUSIVE ? RELEASE_SCRIPT : RELEASE_PERMITS_SCRIPT).source);
    proxy.replies = 'hold';
    await expect(locks.acquire(name, { wait: 0 })).rejects.toBeInstanceOf(LockUnavailableError);
    proxy.replies = 'pass';
    await untilIdle(locks);
    // On the same connection, hence after whatever was sent before.
    await locks.isHeld(name);
    expect(await admin.exists(subject.key(name))).toBe(0);
  });
});
