import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { RedisServer } from '../support/redis-server.js';
import type { Backend } from './backend.js';

/** A server of its own: its scripts are flushed, and other tests would miss theirs. */
export const openRedis = async (): Promise<Backend> => {
  const server = await RedisServer.start();
  const { url } = server;
  const admin = server.client();
  const services: LockService[] = [];
  return {
    open: async (settings) => {
      const service = await connectLockService({ url, ...settings });
      services.push(service);
      return service;
    },
    flush: async () => {
      await admin.flushall();
      await admin.script('FLUSH');
    },
    close: async () => {
      await Promise.all(services.map((service) => service.close()));
      await server.stop();
    },
  };
};
