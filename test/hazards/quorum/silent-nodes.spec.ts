import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { QuorumNodes } from '../../support/quorum-nodes.js';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';

describeWithRedisServer('nodes whose connections go silent without being closed', () => {
  let nodes: QuorumNodes;
  let locks: LockService;

  beforeEach(async () => {
    nodes = await QuorumNodes.start(3, { proxies: true });
    locks = await connectLockService({ quorum: nodes.urls, restartGuard: 0 });
    await locks.withLock(uniqueName('before'), () => undefined);
  });
  afterEach(async () => {
    await locks.close();
    await nodes.stop();
  });

  it('get new connections, so that waiting callers are served', async () => {
    for (const proxy of nodes.proxies) expect(proxy.vanish()).toBeGreaterThan(0);
    await expect(locks.withLock(uniqueName('after'), () => 'served', { wait: 20_000 })).resolves.toBe('served');
  });

  it('get new connections without further callers after one that gave up', async () => {
    for (const proxy of nodes.proxies) proxy.vanish();
    await locks.tryAcquire(uniqueName('lost')).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    await expect(locks.withLock(uniqueName('after'), () => 'served', { wait: 0 })).resolves.toBe('served');
  });
});
