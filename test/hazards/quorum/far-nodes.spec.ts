import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { QuorumNodes } from '../../support/quorum-nodes.js';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';

/** More than the 50 ms that a node gets at least, and than 5 % of the lease. */
const DELAY_MS = 60;

describeWithRedisServer('nodes that are far away', () => {
  let nodes: QuorumNodes;
  let locks: LockService;

  beforeEach(async () => {
    nodes = await QuorumNodes.start(3, { proxies: true });
    for (const proxy of nodes.proxies) proxy.delayReplies(DELAY_MS);
    locks = await connectLockService({ quorum: nodes.urls, restartGuard: 0, lease: 1_000 });
  });
  afterEach(async () => {
    await locks.close();
    await nodes.stop();
  });

  it('grant locks with short leases, and renew them', async () => {
    for (let round = 0; round < 5; round += 1) {
      const lease = await locks.acquire(uniqueName('far'), { wait: 0 });
      expect(await lease.release()).toBe('released');
    }
    const lease = await locks.acquire(uniqueName('far'));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    lease.assertHeld();
    expect(await lease.release()).toBe('released');
  });
});
