import { expect, it } from '@jest/globals';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { quorumOf } from '../testing/test-quorum.js';

/** More than the 50 ms that a node gets at least, and than 5 % of the lease. */
const DELAY_MS = 110;

describeWithRedisServer('nodes that are far away', () => {
  const nodes = quorumOf(3, { proxies: true }, { lease: 2_000 });

  it('grant locks with short leases, and renew them', async () => {
    for (const proxy of nodes.proxies) proxy.delayReplies(DELAY_MS);
    const locks = await nodes.open();
    for (let round = 0; round < 5; round += 1) {
      const lease = await locks.acquire(uniqueName('far'), { wait: 0 });
      expect(await lease.release()).toBe('released');
    }
    const lease = await locks.acquire(uniqueName('far'));
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    lease.assertHeld();
    expect(await lease.release()).toBe('released');
  });
});
