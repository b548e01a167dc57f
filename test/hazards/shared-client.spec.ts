import type { EventEmitter } from 'node:events';
import { expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { connectLockService } from 'nestjs-redis-lock';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';

const SERVICES = 12;

/** By event, how many listeners there are; and how many there may be before Node warns of a leak. */
function listenersOf(emitter: EventEmitter): { limit: number; counts: Record<string, number> } {
  const events = emitter.eventNames().map((event) => [String(event), emitter.listenerCount(event)]);
  return { limit: emitter.getMaxListeners(), counts: Object.fromEntries(events) as Record<string, number> };
}

function expectNoWarning(emitter: EventEmitter): void {
  const { limit, counts } = listenersOf(emitter);
  expect(Math.max(...Object.values(counts))).toBeLessThanOrEqual(limit);
}

/** Opens services on `client`, uses and closes them. `during` runs while all of them are open. */
async function share(client: Redis | Cluster, during: () => void): Promise<void> {
  const services = await Promise.all(Array.from({ length: SERVICES }, () => connectLockService({ client })));
  await Promise.all(services.map((locks) => locks.withLock(uniqueName(), () => undefined)));
  during();
  await Promise.all(services.map((locks) => locks.close()));
}

describeWithRedisServer("a caller's client that many services share", () => {
  it('causes no warning about listeners and is left as it was', async () => {
    const server = await RedisServer.start();
    const client = new Redis(server.url);
    await client.ping();
    const before = listenersOf(client);
    await share(client, () => expectNoWarning(client));
    expect(listenersOf(client)).toEqual(before);
    client.disconnect();
    await server.stop();
  });

  it('causes no warning about listeners and is left as it was: a cluster', async () => {
    const nodes = await RedisCluster.start();
    await nodes.untilReady();
    const cluster = new Cluster(nodes.nodes);
    await cluster.ping();
    const emitters = (): EventEmitter[] => [cluster, ...cluster.nodes()];
    const before = emitters().map(listenersOf);
    // ioredis opens the connections to the other nodes with the first command to each.
    await share(cluster, () => emitters().forEach(expectNoWarning));
    expect(emitters().slice(0, before.length).map(listenersOf)).toEqual(before);
    cluster.disconnect();
    await nodes.stop();
  });
});
