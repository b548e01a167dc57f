import { AsyncLocalStorage } from 'node:async_hooks';
import type { Kind } from './kind.js';
import type { Lease } from './lease.js';

/**
 * Increment the number when the members of `Section` change, since another version of the package may be loaded in the
 * same process.
 */
const KEY = Symbol.for('nestjs-redis-lock/sections/2');

/**
 * @internal The async context of a section. Everything that the section starts (a timer, a socket, the next iteration
 * of a loop) keeps a reference to it. Therefore an ended section has no reference to its leases, and later sections
 * have no reference to an ended one.
 */
export class Section {
  private service: object | null;
  private leases: readonly Lease[];
  private outer: Section | undefined;

  /** Creates a section inside of the section that the caller runs in. */
  constructor(service: object, leases: readonly Lease[]) {
    this.service = service;
    this.leases = leases;
    this.outer = currentSection();
  }

  run<T>(body: () => T): T {
    return storage.run(this, body);
  }

  /**
   * Called when the body has settled. Code that it started, and that still runs, is outside of the section from now on.
   */
  end(): void {
    this.service = null;
    this.leases = [];
    this.outer = Section.runningOf(this.outer);
  }

  /** The innermost lease that `matches`, of this section or an outer one. */
  find(matches: (lease: Lease, service: object) => boolean): Lease | undefined {
    const { service, leases } = this;
    const own = service === null ? undefined : leases.findLast((lease) => matches(lease, service));
    if (own !== undefined) return own;
    this.outer = Section.runningOf(this.outer);
    return this.outer?.find(matches);
  }

  /** @internal The innermost of `section` and its outer sections that has not ended. */
  static runningOf(section: Section | undefined): Section | undefined {
    while (section?.service === null) section = section.outer;
    return section;
  }
}

/** One storage per process, shared by all loaded copies of the package: each sees the sections of the others. */
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
 * The lease under which the calling code runs: the innermost one, or the one of the lock `name`. `undefined` outside of
 * sections, and in code that still runs after all its sections have ended.
 *
 * @publicApi
 */
export function currentLease(name?: string): Lease | undefined {
  return currentSection()?.find((lease) => name === undefined || lease.name === name);
}

/** @internal The lease of `service` under `name` that the calling code runs under. */
export function enclosingLease(service: object, name: string, kind: Kind): Lease | undefined {
  return currentSection()?.find((lease, of) => of === service && lease.name === name && lease.kind === kind);
}

/** @internal Whether the calling code runs in a section whose lock is still held, of any service of this process. */
export function runsUnderLease(): boolean {
  return currentSection()?.find((lease) => lease.remaining() > 0) !== undefined;
}
