// Floors without Redis: what the sections take by themselves, and under a mutex of one process.
import { Mutex } from 'async-mutex';

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
      const mutexes = new Map();
      return {
        ...nothing,
        section(name, body) {
          let mutex = mutexes.get(name);
          if (mutex === undefined) mutexes.set(name, (mutex = new Mutex()));
          return mutex.runExclusive(body);
        },
      };
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
