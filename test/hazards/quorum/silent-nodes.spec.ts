import { beforeEach, expect, it } from '@jest/globals';
import type { LockService } from 'nestjs-redis-lock';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { quorumOf } from '../testing/test-quorum.js';

describeWithRedisServer('nodes whose connections become silent without being closed', () => {
  const nodes = quorumOf(3, { proxies: true });
  let locks: LockService;

  beforeEach(async () => {
    locks = await nodes.open();
    await locks.withLock(uniqueName('before'), () => undefined);
  });

  it('get new connections, so that waiting callers are served', async () => {
    for (const proxy of nodes.proxies) expect(proxy.vanish()).toBeGreaterThan(0);
    await expect(locks.withLock(uniqueName('after'), () => 'served', { wait: 20_000 })).resolves.toBe('served');
  });

  it('get new connections after a call that failed, without further calls', async () => {
    for (const proxy of nodes.proxies) proxy.vanish();
    await locks.tryAcquire(uniqueName('lost')).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    await expect(locks.withLock(uniqueName('after'), () => 'served', { wait: 0 })).resolves.toBe('served');
  });
});
