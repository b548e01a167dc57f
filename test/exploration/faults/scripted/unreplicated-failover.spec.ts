import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, LockBusyError, LockUnavailableError } from 'nestjs-redis-lock';
import { describeWithRedisServer, type RedisServer } from '../../../support/redis-server.js';
import { SentinelSet } from '../../../support/sentinel-set.js';
import { uniqueName } from '../../../support/test-redis.js';
import { waitUntil } from '../../../support/wait-until.js';
import { FencedResource } from '../../../support/witness.js';

/** `FAULTS_FAILOVERS=10` for the figures in the table. */
const FAILOVERS = Number(process.env.FAULTS_FAILOVERS ?? '2');
const LIMIT_MS = 60_000 + FAILOVERS * 30_000;

describeWithRedisServer('a master that is lost with unreplicated writes', () => {
  let set: SentinelSet;
  let name: string;

  beforeEach(async () => {
    set = await SentinelSet.start({ failoverTimeoutMs: 1_000 });
    name = uniqueName('failover');
  }, 60_000);
  afterEach(() => set.stop());

  const where = () => ({ redis: { sentinels: set.sentinels, name: set.name, disconnectTimeout: 50 } });

  /** From now on nothing reaches the replicas: they are stopped, and without the connections whose buffers they would read. */
  async function cutReplication(master: RedisServer): Promise<RedisServer[]> {
    const replicas = set.servers.filter((server) => server !== master);
    for (const replica of replicas) replica.freeze();
    await master.client().call('CLIENT', 'KILL', 'TYPE', 'replica');
    return replicas;
  }

  /** The master is killed, a replica takes its place, and the old one comes back as a replica. */
  async function loseMaster(master: RedisServer, stopped: readonly RedisServer[]): Promise<void> {
    await master.kill();
    for (const replica of stopped) replica.thaw();
    await set.untilNewMaster(master);
    await set.bringBack(master);
  }

  it(
    'lets two holders in, and the later one has the larger token, unlike with a plain counter',
    async () => {
      const resource = new FencedResource();
      let refused = 0;
      for (let failover = 0; failover < FAILOVERS; failover += 1) {
        await using holder = await connectLockService({ ...where(), lease: 60_000 });
        await using next = await connectLockService({ ...where(), lease: 60_000 });
        const master = await set.master();
        await master.client().incr('counter');
        await set.untilReady();
        const stopped = await cutReplication(master);
        const first = await holder.acquire(name);
        const firstCount = await master.client().incr('counter');
        await loseMaster(master, stopped);
        const second = await next.acquire(name, { wait: 20_000 });
        const secondCount = await (await set.master()).client().incr('counter');
        // The first still believes in its lease: nobody could tell it.
        expect(first.remaining()).toBeGreaterThan(0);
        expect(secondCount).toBe(firstCount);
        expect(second.token).toBeGreaterThan(first.token);
        expect(resource.write(second.token, 'second')).toBe(true);
        if (!resource.write(first.token, 'first')) refused += 1;
        await Promise.all([first.release(), second.release()]);
        await set.untilReady();
      }
      expect(refused).toBe(FAILOVERS);
      console.log(`${FAILOVERS} failovers: ${FAILOVERS} double holders, ${refused} stale writes refused`);
    },
    LIMIT_MS,
  );

  it(
    'lets no second holder in with minReplicas for all replicas',
    async () => {
      let doubleHolders = 0;
      for (let failover = 0; failover < FAILOVERS; failover += 1) {
        await using holder = await connectLockService({ ...where(), lease: 60_000, minReplicas: 2 });
        await using others = await connectLockService({ ...where(), lease: 60_000, minReplicas: 2 });
        const lease = await holder.acquire(name, { wait: 20_000 });
        const master = await set.master();
        const stopped = await cutReplication(master);
        // This one is on the master alone, so it is no lock.
        const unreplicated = holder.acquire(uniqueName('unreplicated'), { wait: 200 });
        await expect(unreplicated).rejects.toThrow(LockUnavailableError);
        await loseMaster(master, stopped);
        const second = await waitUntil(
          'the new master answers',
          async () => {
            try {
              return { lease: await others.acquire(name, { wait: 0 }) };
            } catch (error) {
              if (error instanceof LockBusyError) return { lease: undefined };
              return undefined;
            }
          },
          60_000,
        );
        if (second!.lease !== undefined && lease.remaining() > 0) doubleHolders += 1;
        // Its connection may still be looking for the new master.
        expect(['released', 'unconfirmed']).toContain(await lease.release());
        await set.untilReady();
        await waitUntil('the lock is free', async () => !(await others.inspect(name)).held);
      }
      console.log(`minReplicas for all: ${FAILOVERS} failovers, ${doubleHolders} double holders`);
      expect(doubleHolders).toBe(0);
    },
    LIMIT_MS,
  );
});
