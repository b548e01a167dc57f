import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { RedisServer } from '../support/redis-server.js';
import { SUBJECTS } from '../support/subjects.js';
import type { Backend } from './backend.js';
import { describeLockConformance } from './lock-conformance.js';
import { describeFairConformance } from './fair-conformance.js';
import { describeLatchConformance } from './latch-conformance.js';
import { describeReadWriteConformance } from './read-write-conformance.js';
import { describeSemaphoreConformance } from './semaphore-conformance.js';

/** A server of its own: its scripts are flushed, and other tests would miss theirs. */
const open = async (): Promise<Backend> => {
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

for (const subject of SUBJECTS) describeLockConformance('one Redis', open, subject);
describeFairConformance('one Redis', open);
describeReadWriteConformance('one Redis', open);
describeLatchConformance('one Redis', open);
describeSemaphoreConformance('one Redis', open);
