import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { afterAll, beforeAll } from '@jest/globals';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { describeLockConformance } from './lock-conformance.js';

for (const size of [3, 5]) {
  describeWithRedisServer(`a quorum of ${size}`, () => {
    let servers: RedisServer[] = [];

    beforeAll(async () => {
      servers = await Promise.all(Array.from({ length: size }, () => RedisServer.start()));
    });
    afterAll(() => Promise.all(servers.map((server) => server.stop())));

    describeLockConformance(`${size} nodes`, () => {
      const services: LockService[] = [];
      return Promise.resolve({
        open: async (settings) => {
          // The servers were started a moment ago.
          const nodes = servers.map(({ url }) => url);
          const service = await connectLockService({ quorum: nodes, restartGuard: 0, ...settings });
          services.push(service);
          return service;
        },
        flush: async () => {
          await Promise.all(servers.map((server) => server.client().flushall()));
        },
        close: async () => {
          await Promise.all(services.map((service) => service.close()));
        },
      });
    });
  });
}
