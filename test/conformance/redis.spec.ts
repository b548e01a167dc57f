import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { SUBJECTS } from '../support/subjects.js';
import type { Backend } from './backend.js';
import { describeLockConformance } from './lock-conformance.js';
import { describeFairConformance } from './fair-conformance.js';
import { describeLatchConformance } from './latch-conformance.js';
import { describeReadWriteConformance } from './read-write-conformance.js';
import { describeSemaphoreConformance } from './semaphore-conformance.js';

const open = (): Promise<Backend> => {
  const url = testRedisUrl();
  const admin = redisClient();
  const keyPrefix = `${uniqueName('conformance')}:`;
  const services: LockService[] = [];
  return Promise.resolve({
    open: async (settings) => {
      const service = await connectLockService({ url, keyPrefix, ...settings });
      services.push(service);
      return service;
    },
    // The Redis is shared with other tests: only the keys of this suite go.
    flush: async () => {
      const keys = [...(await admin.keys(`${keyPrefix}*`)), ...(await admin.keys(`*{${keyPrefix}*`))];
      if (keys.length > 0) await admin.del(keys);
      await admin.script('FLUSH');
    },
    close: async () => {
      await Promise.all(services.map((service) => service.close()));
      admin.disconnect();
    },
  });
};

for (const subject of SUBJECTS) describeLockConformance('one Redis', open, subject);
describeFairConformance('one Redis', open);
describeReadWriteConformance('one Redis', open);
describeLatchConformance('one Redis', open);
describeSemaphoreConformance('one Redis', open);
