import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { RedisCluster } from './redis-cluster.js';
import { describeWithRedisServer } from './redis-server.js';

describeWithRedisServer('RedisCluster', () => {
  let cluster: RedisCluster;
  let client: Cluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    client = new Cluster(cluster.nodes);
    client.on('error', () => undefined);
  }, 60_000);
  afterAll(async () => {
    client.disconnect();
    await cluster.stop();
  });

  it('serves every slot from three masters, each with a replica', async () => {
    expect(await cluster.masters()).toHaveLength(3);
    for (const key of ['a', 'b', 'c']) {
      await client.set(key, key);
      const master = await cluster.masterOf(key);
      expect(await master.admin.get(key)).toBe(key);
      expect(await cluster.replicasOf(key)).toHaveLength(1);
    }
  });

  it('moves a slot in steps, and the client finds the key at each of them', async () => {
    const key = '{moving}1';
    await client.set(key, 'value');
    const slot = await cluster.slotOf(key);
    const from = await cluster.masterOf(slot);
    const to = (await cluster.masters()).find((node) => node !== from)!;
    const migration = await cluster.migration(slot, to);
    await migration.begin();
    expect(await client.get(key)).toBe('value');
    expect(await client.get('{moving}2')).toBeNull();
    await migration.moveKey(key);
    expect(await client.get(key)).toBe('value');
    await migration.finish();
    expect(await client.get(key)).toBe('value');
    await cluster.untilReady();
    expect(await cluster.masterOf(slot)).toBe(to);
  });

  it('gives a slot a new master on request, and when the old one is killed', async () => {
    const old = await cluster.masterOf('key');
    const next = await cluster.failover('key');
    expect(next).not.toBe(old);
    await next.server.kill();
    expect(await cluster.untilNewMaster('key', next)).toBe(old);
    await next.server.restart();
    await cluster.untilReady();
    expect(await cluster.replicasOf('key')).toEqual([next]);
  }, 60_000);
});
