import { createLockService, MemoryState, type LockService } from 'nestjs-redis-lock';
import type { Backend } from './backend.js';

export const openMemory = (): Promise<Backend> => {
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
