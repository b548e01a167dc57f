import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, LockUnavailableError } from 'nestjs-redis-lock';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { EXCLUSIVE } from '../support/subjects.js';
import { describeRedisDown } from './testing/redis-down.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describeRedisDown([EXCLUSIVE]);

describeWithRedisServer('a service that is started while Redis cannot be reached', () => {
  let server: RedisServer;
  let proxy: TcpProxy;

  beforeEach(async () => {
    server = await RedisServer.start();
    proxy = await TcpProxy.start(server.url);
  });
  afterEach(async () => {
    await proxy.close();
    await server.stop();
  });

  it('fails in time, with the reason, and leaves nothing open', async () => {
    proxy.refuse();
    const started = performance.now();
    const error = await connectLockService({ url: proxy.url, startupTimeout: 300 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect((error as LockUnavailableError).message).toContain('not reachable within 300 ms');
    expect(performance.now() - started).toBeLessThan(5_000);
    proxy.accept();
    await sleep(200);
    expect(proxy.connections).toBe(0);
  });

  it('also fails if the server accepts the connection but never replies', async () => {
    proxy.pause();
    await expect(connectLockService({ url: proxy.url, startupTimeout: 300 })).rejects.toBeInstanceOf(
      LockUnavailableError,
    );
  });
});
