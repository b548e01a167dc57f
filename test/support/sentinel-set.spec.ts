import { expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { describeWithRedisServer } from './redis-server.js';
import { SentinelSet } from './sentinel-set.js';
import { waitUntil } from './wait-until.js';

describeWithRedisServer('SentinelSet', () => {
  it('elects a new master on request and when the master is killed, and accepts the old one again', async () => {
    await using set = await SentinelSet.start();
    const { sentinels, name } = set;
    const client = new Redis({ sentinels, name, retryStrategy: () => 50, sentinelRetryStrategy: () => 50 });
    client.on('error', () => undefined);
    try {
      await client.set('key', 'value');
      const first = await set.master();
      const second = await set.failover();
      expect(second).not.toBe(first);
      await set.untilReady();
      expect(await client.get('key')).toBe('value');
      await second.kill();
      const third = await set.untilNewMaster(second);
      expect(third).not.toBe(second);
      await set.bringBack(second);
      await set.untilReady();
      expect(await second.client().role()).toContain('slave');
      await waitUntil('the client is back', async () => client.get('key').catch(() => undefined));
    } finally {
      client.disconnect();
    }
  }, 60_000);

  it('has a quorum while one Sentinel is down', async () => {
    await using set = await SentinelSet.start({ replicas: 1 });
    await set.processes[0]!.kill();
    const old = await set.master();
    expect(await set.failover()).not.toBe(old);
    await set.processes[0]!.restart();
    await set.untilReady();
  }, 60_000);
});
