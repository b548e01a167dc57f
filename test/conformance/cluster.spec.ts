import { Cluster } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { describeLockConformance } from './lock-conformance.js';

for (const whose of ['our own', "the caller's"] as const) {
  const label = `a cluster, by ${whose} client`;
  describeWithRedisServer('Redis Cluster', () => {
    describeLockConformance(label, async () => {
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
    });
  });
}
