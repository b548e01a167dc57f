import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, type LockService, type LockSettings } from 'nestjs-redis-lock';
import { describeWithRedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { FencedResource } from '../support/witness.js';
import { describeFailover } from './testing/failover.js';

describeFailover('the death of the master', { lose: (master) => master.kill(), recover: () => undefined });

describeWithRedisServer('a failover by Sentinel', () => {
  let set: SentinelSet;
  let name: string;

  beforeEach(async () => {
    set = await SentinelSet.start({ replicas: 1 });
    name = uniqueName('failover');
  });
  afterEach(() => set.stop());

  const open = (more: LockSettings = {}): Promise<LockService> =>
    connectLockService({ redis: { sentinels: set.sentinels, name: set.name }, ...more });

  it('that lost the lock lets two holders in, and the later one has the larger token', async () => {
    await using holder = await open({ lease: 60_000 });
    await using locks = await open();
    const resource = new FencedResource();
    for (let round = 0; round < 3; round += 1) await (await holder.acquire(name)).release();
    const [replica] = await set.replicas();
    const old = await set.master();
    // The replica gets nothing more, the lock and its token included.
    replica!.freeze();
    await old.client().call('client', 'kill', 'type', 'replica');
    const lease = await holder.acquire(name);
    expect(resource.write(lease.token, 'first')).toBe(true);
    await old.kill();
    replica!.thaw();
    const next = await locks.acquire(name, { wait: 25_000 });
    expect(lease.signal.aborted).toBe(false);
    expect(next.token).toBeGreaterThan(lease.token);
    expect(resource.write(next.token, 'second')).toBe(true);
    expect(resource.write(lease.token, 'stale')).toBe(false);
    await next.release();
    await lease.release();
    await untilIdle(holder, locks);
  });
});
