import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lease } from './lease.js';

/** The number changes with the shape of `Section`: another version of the package may be loaded, too. */
const KEY = Symbol.for('nestjs-redis-lock/sections/2');

/**
 * @internal A section, as the code sees it that runs under its leases. What a section starts (a timer, a socket, the next round of
 * a loop) refers to it for as long as it exists. A section that has ended therefore refers to no lease, and no later
 * section refers to it.
 */
export class Section {
  private service: object | null;
  private leases: readonly Lease[];
  private outer: Section | undefined;

  /** A section inside of the one that the caller runs in. */
  constructor(service: object, leases: readonly Lease[]) {
    this.service = service;
    this.leases = leases;
    this.outer = currentSection();
  }

  run<T>(body: () => T): T {
    return storage.run(this, body);
  }

  /** The body has settled. What it left behind runs outside of the section. */
  end(): void {
    this.service = null;
    this.leases = [];
    this.outer = Section.runningOf(this.outer);
  }

  /** The innermost lease that `matches`, of this section or one around it. */
  find(matches: (lease: Lease, service: object) => boolean): Lease | undefined {
    const { service, leases } = this;
    const own = service === null ? undefined : leases.findLast((lease) => matches(lease, service));
    if (own !== undefined) return own;
    this.outer = Section.runningOf(this.outer);
    return this.outer?.find(matches);
  }

  /** @internal The innermost section that has not ended, of `section` and those around it. */
  static runningOf(section: Section | undefined): Section | undefined {
    while (section?.service === null) section = section.outer;
    return section;
  }
}

/** One storage a process, whichever copies of the package are loaded: a section begun in one is seen in the other. */
function sections(): AsyncLocalStorage<Section> {
  const known: unknown = Reflect.get(globalThis, KEY);
  if (known instanceof AsyncLocalStorage) return known as AsyncLocalStorage<Section>;
  const storage = new AsyncLocalStorage<Section>();
  Reflect.set(globalThis, KEY, storage);
  return storage;
}

const storage = sections();

function currentSection(): Section | undefined {
  return Section.runningOf(storage.getStore());
}

/**
 * The lease under which the calling code runs: the innermost one, or the one of the lock called `name`. `undefined`
 * outside of every section, and in what a section left behind when it ended.
 *
 * @publicApi
 */
export function currentLease(name?: string): Lease | undefined {
  return currentSection()?.find((lease) => name === undefined || lease.name === name);
}

/** @internal The lease that the calling code has of `service` under `name`. */
export function enclosingLease(service: object, name: string): Lease | undefined {
  return currentSection()?.find((lease, of) => of === service && lease.name === name);
}

/** @internal Whether the calling code runs in a section whose lock is still held, of any service of this process. */
export function runsUnderLease(): boolean {
  return currentSection()?.find((lease) => lease.remaining() > 0) !== undefined;
}
