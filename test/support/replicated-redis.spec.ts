import { expect, it } from '@jest/globals';
import { describeWithRedisServer } from './redis-server.js';
import { ReplicatedRedis } from './replicated-redis.js';
import { waitUntil } from './wait-until.js';

describeWithRedisServer('ReplicatedRedis', () => {
  it('has replicas that acknowledge a write, and that keep it when the master is killed', async () => {
    await using redis = await ReplicatedRedis.start(2);
    const client = redis.master.client();
    await client.set('key', 'value');
    expect(await client.wait(2, 5_000)).toBe(2);
    await redis.master.kill();
    for (const replica of redis.replicas) expect(await replica.client().get('key')).toBe('value');
  });

  it('does not replicate a write while its replicas are suspended', async () => {
    await using redis = await ReplicatedRedis.start(1);
    const [replica] = redis.replicas;
    replica!.freeze();
    const client = redis.master.client();
    await client.set('key', 'value');
    expect(await client.wait(1, 100)).toBe(0);
    replica!.thaw();
    await waitUntil('the replica has it', async () => (await replica!.client().get('key')) === 'value');
  });
});
