// This project's library, as built. By its path: this folder is a package of its own.
import { connectLockService } from '../../../dist/esm/index.js';

export const contestants = [
  {
    id: 'nestjs-redis-lock',
    title: 'nestjs-redis-lock',
    package: 'nestjs-redis-lock',
    kind: 'own',
    setting: 'default',
    note: 'Waits for notices, never polls; the lease renews itself.',
    client: 'ioredis',
    exclusive: true,
    processes: 'many',
    async open({ url }) {
      const locks = await connectLockService({ url });
      const asLongAsItTakes = { wait: Infinity };
      return {
        section: (name, body) => locks.withLock(name, body, asLongAsItTakes),
        gaveUp: () => 0,
        close: () => locks.close(),
      };
    },
  },
];
