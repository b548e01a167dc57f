import { Cluster } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { EXCLUSIVE } from '../support/subjects.js';
import type { Backend } from './backend.js';
import { describeLockConformance } from './lock-conformance.js';
import { describeFairConformance } from './fair-conformance.js';
import { describeLatchConformance } from './latch-conformance.js';
import { describeReadWriteConformance } from './read-write-conformance.js';
import { describeSemaphoreConformance } from './semaphore-conformance.js';

for (const whose of ['our own', "the caller's"] as const) {
  const label = `a cluster, by ${whose} client`;
  describeWithRedisServer('Redis Cluster', () => {
    const open = async (): Promise<Backend> => {
      const cluster = await RedisCluster.start({ replicas: 0 });
      const { nodes } = cluster;
      const client = whose === 'our own' ? undefined : new Cluster(nodes, { redisOptions: { disconnectTimeout: 50 } });
      const services: LockService[] = [];
      return {
        open: async (settings) => {
          const service = await connectLockService({
            ...(client === undefined ? { cluster: { nodes } } : { client }),
            ...settings,
          });
          services.push(service);
          return service;
        },
        flush: async () => {
          await Promise.all(cluster.members.map(({ admin }) => admin.flushall()));
        },
        close: async () => {
          await Promise.all(services.map((service) => service.close()));
          client?.disconnect();
          await cluster.stop();
        },
      };
    };
    describeLockConformance(label, open, EXCLUSIVE);
    // A client makes no difference between kinds of locks.
    if (whose !== 'our own') return;
    describeFairConformance(label, open);
    describeReadWriteConformance(label, open);
    describeLatchConformance(label, open);
    describeSemaphoreConformance(label, open);
  });
}
