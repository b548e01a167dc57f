// This project's library, as built. By its path: this folder is a package of its own.
import { connectLockService } from '../../../dist/esm/index.js';
import { perName, PERMITS } from './semaphores.mjs';

const library = {
  title: 'nestjs-redis-lock',
  package: 'nestjs-redis-lock',
  kind: 'own',
  setting: 'default',
  note: 'Waits for notices, never polls; the lease renews itself.',
  client: 'ioredis',
  exclusive: true,
  processes: 'many',
};
const asLongAsItTakes = { wait: Infinity };

/** @param sectionOf what runs a section, of a lock service */
async function open(url, sectionOf) {
  const locks = await connectLockService({ url });
  return { section: sectionOf(locks), gaveUp: () => 0, close: () => locks.close() };
}

export const contestants = [
  {
    ...library,
    id: 'nestjs-redis-lock',
    open: ({ url }) => open(url, (locks) => (name, body) => locks.withLock(name, body, asLongAsItTakes)),
  },
  {
    ...library,
    id: 'nestjs-redis-lock-semaphore',
    mode: 'semaphore',
    permits: PERMITS,
    open: ({ url }) =>
      open(url, (locks) => {
        const semaphoreOf = perName((name) => locks.semaphore(name, { permits: PERMITS }));
        return (name, body) => semaphoreOf(name).withPermit(body, asLongAsItTakes);
      }),
  },
  {
    ...library,
    id: 'nestjs-redis-lock-fair',
    mode: 'fair',
    open: ({ url }) =>
      open(url, (locks) => (name, body) => locks.withLock(name, body, { ...asLongAsItTakes, mode: 'fair' })),
  },
  {
    ...library,
    id: 'nestjs-redis-lock-read',
    mode: 'read',
    permits: Infinity,
    open: ({ url }) =>
      open(url, (locks) => (name, body) => locks.withLock(name, body, { ...asLongAsItTakes, mode: 'read' })),
  },
];
