import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lease } from './lease.js';

interface Section {
  readonly service: object;
  readonly lease: Lease;
  readonly outer: Section | undefined;
}

const KEY = Symbol.for('nestjs-redis-lock/sections');

/** One storage a process, whichever copies of the package are loaded: a section begun in one is seen in the other. */
function sections(): AsyncLocalStorage<Section> {
  const known: unknown = Reflect.get(globalThis, KEY);
  if (known instanceof AsyncLocalStorage) return known as AsyncLocalStorage<Section>;
  const storage = new AsyncLocalStorage<Section>();
  Reflect.set(globalThis, KEY, storage);
  return storage;
}

const storage = sections();

/**
 * The lease under which the calling code runs: the innermost one, or the one of the lock called `name`. `undefined`
 * outside of every section.
 *
 * @publicApi
 */
export function currentLease(name?: string): Lease | undefined {
  for (let section = storage.getStore(); section !== undefined; section = section.outer) {
    if (name === undefined || section.lease.name === name) return section.lease;
  }
  return undefined;
}

/** The lease that the calling code has of `service` under `name`. */
export function enclosingLease(service: object, name: string): Lease | undefined {
  for (let section = storage.getStore(); section !== undefined; section = section.outer) {
    if (section.service === service && section.lease.name === name) return section.lease;
  }
  return undefined;
}

/** Whether the calling code runs in a section whose lock is still held, of any service of this process. */
export function runsUnderLease(): boolean {
  for (let section = storage.getStore(); section !== undefined; section = section.outer) {
    if (section.lease.remaining() > 0) return true;
  }
  return false;
}

/** Runs `body` with `leases` as what `currentLease` and nested calls see. */
export function runUnder<T>(service: object, leases: readonly Lease[], body: () => T): T {
  let section = storage.getStore();
  for (const lease of leases) section = { service, lease, outer: section };
  return section === undefined ? body() : storage.run(section, body);
}
