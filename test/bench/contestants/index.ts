import type { Contestant, ContestantInfo } from './contestant.js';

/** Where each contestant is, in the order of the tables. A file holds one library with each of its settings. */
const FILES = [
  'nestjs-redis-lock',
  'raw-ioredis',
  'raw-node-redis',
  'in-process',
  'redlock4',
  'redlock5',
  'sesamecare-redlock',
  'redis-semaphore',
  'redlock-universal',
  'node-redisson',
  'ioredis-lock',
  'warlock',
  'redis-lock',
  'simple-redis-mutex',
  'verrou',
  'medusa-locking-redis',
  'murlock',
  'nestjs-redis',
  'nestjs-redlock-universal',
  'nest-redlock',
  'simple-redis-lock',
  'bottleneck',
  'redisson',
];

/** A library that most people would name, one that waits for messages, and one on node-redis: `--quick` runs these. */
const REPRESENTATIVE = ['redlock5', 'node-redisson', 'redis-lock'];
/** What aims are held against. */
const REPRESENTATIVE_FLOORS = ['raw-ioredis', 'raw-ioredis-auto-pipelining', 'async-mutex', 'end-to-end'];

/** Whether a quick run has it: this project's own, and some of the floors and of the others. */
export function isRepresentative({ id, file, kind, mode }: Entrant): boolean {
  // Few libraries have anything else than exclusive locks. The processes of Java need some seconds to start.
  if (mode !== undefined) return file !== 'redisson';
  if (kind === 'floor') return REPRESENTATIVE_FLOORS.includes(id);
  return kind === 'own' || REPRESENTATIVE.includes(file);
}

/** A contestant that can be opened, with the file that a worker imports to do so. */
export interface Entrant extends ContestantInfo {
  readonly file: string;
}

/** A library that does not take part, with why. */
export interface Absentee {
  readonly file: string;
  readonly reason: string;
}

/** All contestants whose packages can be imported here, and those that cannot. */
export async function loadEntrants(): Promise<{ entrants: Entrant[]; absent: Absentee[] }> {
  const entrants: Entrant[] = [];
  const absent: Absentee[] = [];
  for (const file of FILES) {
    try {
      for (const { open: _, ...info } of await contestantsOf(file)) entrants.push({ ...info, file });
    } catch (error) {
      absent.push({ file, reason: `it cannot be imported: ${error instanceof Error ? error.message : String(error)}` });
    }
  }
  return { entrants, absent };
}

/** @throws Error if the file has no such contestant */
export async function loadContestant(file: string, id: string): Promise<Contestant> {
  const found = (await contestantsOf(file)).find((contestant) => contestant.id === id);
  if (found === undefined) throw new Error(`${file}.mjs has no contestant "${id}".`);
  return found;
}

async function contestantsOf(file: string): Promise<readonly Contestant[]> {
  const { contestants } = (await import(new URL(`${file}.mjs`, import.meta.url).href)) as {
    contestants: readonly Contestant[];
  };
  return contestants;
}
