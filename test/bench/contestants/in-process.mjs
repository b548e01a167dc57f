// Floors without Redis: what the sections take by themselves, and under a mutex of one process.
import { Mutex, Semaphore } from 'async-mutex';
import { perName, PERMITS } from './semaphores.mjs';

const floor = { kind: 'floor', setting: 'default', client: 'none', exclusive: true, processes: 'one' };
const nothing = { gaveUp: () => 0, close: () => Promise.resolve() };

export const contestants = [
  {
    ...floor,
    id: 'async-mutex',
    title: 'async-mutex',
    package: 'async-mutex 0.5.0',
    note: 'A mutex of one process, one per name: no Redis.',
    async open() {
      const mutexOf = perName(() => new Mutex());
      return { ...nothing, section: (name, body) => mutexOf(name).runExclusive(body) };
    },
  },
  {
    ...floor,
    id: 'async-mutex-semaphore',
    mode: 'semaphore',
    permits: PERMITS,
    title: 'async-mutex, Semaphore',
    package: 'async-mutex 0.5.0',
    note: 'A semaphore of one process, one per name: no Redis.',
    async open() {
      const semaphoreOf = perName(() => new Semaphore(PERMITS));
      return { ...nothing, section: (name, body) => semaphoreOf(name).runExclusive(body) };
    },
  },
  {
    ...floor,
    id: 'no-lock',
    mode: 'read',
    permits: Infinity,
    title: 'no lock',
    package: 'none',
    note: 'The sections of readers, without a lock.',
    exclusive: false,
    processes: 'many',
    async open() {
      return { ...nothing, section: async (_name, body) => body() };
    },
  },
  {
    ...floor,
    id: 'end-to-end',
    title: 'sections end to end',
    package: 'none',
    note: 'The sections one after another on every name, without a lock.',
    async open() {
      const tails = new Map();
      return {
        ...nothing,
        section(name, body) {
          const before = tails.get(name);
          const section = before === undefined ? Promise.resolve(body()) : before.then(body);
          tails.set(name, section);
          return section;
        },
      };
    },
  },
];
