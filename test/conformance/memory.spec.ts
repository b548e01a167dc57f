import { createLockService, MemoryState, type LockService } from 'nestjs-redis-lock';
import { describeLockConformance } from './lock-conformance.js';

describeLockConformance('the memory store', () => {
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
});
