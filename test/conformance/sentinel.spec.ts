import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { describeWithRedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';
import type { Backend } from './backend.js';
import { describeLockConformance } from './lock-conformance.js';
import { describeFairConformance } from './fair-conformance.js';
import { describeLatchConformance } from './latch-conformance.js';
import { describeReadWriteConformance } from './read-write-conformance.js';
import { describeSemaphoreConformance } from './semaphore-conformance.js';

const label = 'a master found by Sentinel';

describeWithRedisServer('behind Sentinel', () => {
  const open = async (): Promise<Backend> => {
    const set = await SentinelSet.start({ replicas: 1 });
    const redis = { sentinels: set.sentinels, name: set.name };
    const services: LockService[] = [];
    return {
      open: async (settings) => {
        const service = await connectLockService({ redis, ...settings });
        services.push(service);
        return service;
      },
      flush: async () => {
        await (await set.master()).client().flushall();
      },
      close: async () => {
        await Promise.all(services.map((service) => service.close()));
        await set.stop();
        // ioredis leaves a timer of 2 s for each of its connections to a sentinel. This small file runs last in a fresh clone,
        // and Jest would report a worker that does not exit.
        await sleep(2_100);
      },
    };
  };
  describeLockConformance(label, open);
  describeFairConformance(label, open);
  describeReadWriteConformance(label, open);
  describeLatchConformance(label, open);
  describeSemaphoreConformance(label, open);
});
