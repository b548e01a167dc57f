import { createLockService, MemoryState, type LockService } from 'nestjs-redis-lock';
import { SUBJECTS } from '../support/subjects.js';
import type { Backend } from './backend.js';
import { describeLockConformance } from './lock-conformance.js';
import { describeFairConformance } from './fair-conformance.js';
import { describeLatchConformance } from './latch-conformance.js';
import { describeReadWriteConformance } from './read-write-conformance.js';
import { describeSemaphoreConformance } from './semaphore-conformance.js';

const open = (): Promise<Backend> => {
  const memory = new MemoryState();
  const services: LockService[] = [];
  return Promise.resolve({
    open: (settings) => {
      const service = createLockService({ memory, ...settings });
      services.push(service);
      return Promise.resolve(service);
    },
    flush: async () => {
      memory.flush();
    },
    close: async () => {
      await Promise.all(services.map((service) => service.close()));
    },
  });
};

for (const subject of SUBJECTS) describeLockConformance('the memory store', open, subject);
describeFairConformance('the memory store', open);
describeReadWriteConformance('the memory store', open);
describeLatchConformance('the memory store', open);
describeSemaphoreConformance('the memory store', open);
