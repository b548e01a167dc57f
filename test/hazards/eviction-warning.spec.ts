import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, type LockLogger, type LockServiceOptions } from 'nestjs-redis-lock';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';

describeWithRedisServer('an eviction policy that may evict locks', () => {
  let server: RedisServer;
  let lines: string[];
  let logger: LockLogger;

  beforeEach(async () => {
    server = await RedisServer.start();
    lines = [];
    logger = { warn: (message: string) => lines.push(message) };
  });
  afterEach(() => server.stop());

  const start = async (options: LockServiceOptions): Promise<void> => {
    await using locks = await connectLockService({ ...options, logger });
    await locks.withLock('any', () => undefined);
  };

  it.each(['allkeys-lru', 'volatile-ttl', 'volatile-lfu'])('is reported once at start-up: %s', async (policy) => {
    await server.client().config('SET', 'maxmemory-policy', policy);
    await start({ url: server.url });
    expect(lines).toEqual([expect.stringContaining(`maxmemory-policy is "${policy}"`)]);
    expect(lines[0]).toContain('"noeviction"');
  });

  it('is not reported with the policy noeviction', async () => {
    await start({ url: server.url });
    expect(lines).toEqual([]);
  });

  it('is reported for a node of a quorum', async () => {
    const nodes = await QuorumNodes.start(3);
    try {
      await nodes.servers[1]!.client().config('SET', 'maxmemory-policy', 'allkeys-random');
      await nodes.servers[2]!.client().config('SET', 'maxmemory-policy', 'allkeys-random');
      await start({ quorum: nodes.urls, restartGuard: 0 });
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(line).toContain('"allkeys-random"');
    } finally {
      await nodes.stop();
    }
  });

  it('is reported for a master of a cluster', async () => {
    const cluster = await RedisCluster.start();
    try {
      await cluster.untilReady();
      const [, master] = await cluster.masters();
      await master!.admin.config('SET', 'maxmemory-policy', 'allkeys-lfu');
      await start({ cluster: { nodes: cluster.nodes } });
      // On a busy machine there may be a line about a node, too.
      expect(lines.filter((line) => line.includes('maxmemory-policy'))).toEqual([
        expect.stringContaining('"allkeys-lfu"'),
      ]);
    } finally {
      await cluster.stop();
    }
  });
});
