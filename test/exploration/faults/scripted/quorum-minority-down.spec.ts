import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { QuorumNodes } from '../../../support/quorum-nodes.js';
import { describeWithRedisServer, type RedisServer } from '../../../support/redis-server.js';
import { uniqueName } from '../../../support/test-redis.js';
import { untilIdle } from '../../../support/until-idle.js';

type Fate = 'killed' | 'stopped';

const takeDown = async (server: RedisServer, fate: Fate): Promise<void> => {
  if (fate === 'killed') await server.kill();
  else server.freeze();
};
const bringUp = async (server: RedisServer, fate: Fate): Promise<void> => {
  if (fate === 'killed') await server.restart();
  else server.thaw();
};

const ROUNDS = 200;
const WAIT_MS = 1_500;

describeWithRedisServer('a quorum of five', () => {
  let nodes: QuorumNodes;
  let locks: LockService;

  beforeEach(async () => {
    nodes = await QuorumNodes.start(5);
    // The guard would keep nodes out that have only just been started.
    locks = await connectLockService({ quorum: nodes.urls, lease: 5_000, restartGuard: 0 });
  });
  afterEach(async () => {
    await locks.close();
    await nodes.stop();
  });

  /** The median time of taking a free lock and giving it back, in ms. */
  async function latency(): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const began = performance.now();
      const lease = await locks.acquire(uniqueName('quorum'), { wait: 10_000 });
      expect(await lease.release()).toBe('released');
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[ROUNDS / 2]!;
  }

  it.each(['killed', 'stopped'] as const)('grants locks as fast with two nodes %s', async (fate) => {
    await latency();
    const healthy = await latency();
    const [, second, , fourth] = nodes.servers;
    await takeDown(second!, fate);
    await takeDown(fourth!, fate);
    const spoilt = await latency();
    console.log(`two of five ${fate}: ${spoilt.toFixed(2)} ms, healthy ${healthy.toFixed(2)} ms (medians)`);
    // Of two medians on a busy machine; a timeout for the silent nodes would make it ten times as long.
    expect(spoilt / healthy).toBeLessThan(4);
    await bringUp(second!, fate);
    await bringUp(fourth!, fate);
    await untilIdle(locks);
  });

  it.each(['killed', 'stopped'] as const)(
    'reports locks as unavailable with three nodes %s, and recovers',
    async (fate) => {
      const name = uniqueName('quorum');
      const before = await locks.acquire(name);
      await before.release();
      const gone = nodes.servers.slice(0, 3);
      await Promise.all(gone.map((server) => takeDown(server, fate)));
      const began = performance.now();
      const attempt = locks.acquire(name, { wait: WAIT_MS });
      await expect(attempt).rejects.toThrow(LockUnavailableError);
      console.log(`three of five ${fate}: refused after ${(performance.now() - began).toFixed(0)} of ${WAIT_MS} ms`);
      await Promise.all(gone.map((server) => bringUp(server, fate)));
      const after = await locks.acquire(name, { wait: 20_000 });
      expect(after.token).toBeGreaterThan(before.token);
      expect(await after.release()).toBe('released');
      await untilIdle(locks);
    },
  );
});
