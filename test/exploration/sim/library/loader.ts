import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import vm from 'node:vm';
import type { Instant } from '../../../../lib/time/instant.js';
import { EPOCH_MS, type SimProcess, type SimTimer } from '../kernel/sim-process.js';
import { apply, replacingCode, type Declared, type Replacement } from './replacement.js';

const DIST = fileURLToPath(new URL('../../../../dist/cjs/', import.meta.url));
const nodeRequire = createRequire(import.meta.url);

/** What a file calls to have its functions replaced. */
const REPLACER = '__replace';

/** What every file of the library finds in place of Node's own. */
const INJECTED = [
  'exports',
  'require',
  'module',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'setImmediate',
  'clearImmediate',
  'performance',
  'Date',
  'Math',
  REPLACER,
] as const;

/** A fault put into the library on purpose, to see whether it is noticed. */
export interface Mutation {
  readonly name: string;
  readonly replacements?: readonly Replacement[];
}

type Compiled = (...injected: unknown[]) => void;

/** The built library, compiled once. */
export class LibraryCode {
  private readonly compiled = new Map<string, Compiled>();
  private readonly applied = new Set<Replacement>();

  constructor(private readonly mutation: Mutation | null = null) {}

  /** The compiled file; `path` is absolute. */
  file(path: string): Compiled {
    let compiled = this.compiled.get(path);
    if (compiled === undefined) {
      compiled = vm.compileFunction(this.source(path), [...INJECTED], { filename: path }) as Compiled;
      this.compiled.set(path, compiled);
    }
    return compiled;
  }

  /** Replaces a function that the file at `path` has just declared. */
  replace(path: string, name: string, declared: Declared, now: () => Instant): void {
    const replacement = this.replacementsIn(path).find((each) => each.name === name)!;
    try {
      apply(replacement, declared, now);
    } catch (error) {
      throw new Error(`the mutation "${this.mutation!.name}" cannot be made: ${(error as Error).message}`, {
        cause: error,
      });
    }
    this.applied.add(replacement);
  }

  /** @throws Error if a file was not loaded: its mutation would pass for one that no schedule notices */
  checkMutated(): void {
    const missed = this.mutation?.replacements?.find((each) => !this.applied.has(each));
    if (missed === undefined) return;
    throw new Error(`the mutation "${this.mutation!.name}" cannot be made: lib/${missed.file}.ts was never loaded`);
  }

  private source(path: string): string {
    return readFileSync(path, 'utf8') + replacingCode(this.replacementsIn(path), REPLACER);
  }

  private replacementsIn(path: string): Replacement[] {
    return (this.mutation?.replacements ?? []).filter(({ file }) => join(DIST, `${file}.js`) === path);
  }
}

/**
 * The library as one process has it: real code, with the clocks, timers and chance of the simulated process that owns
 * the slot at the time. Slots are used again by later schedules, so that the code stays warm; it keeps nothing between.
 */
export class LibrarySlot {
  private owner: SimProcess | null = null;
  private readonly modules = new Map<string, { exports: unknown }>();
  private readonly injected: readonly unknown[];

  constructor(private readonly code: LibraryCode) {
    const process = (): SimProcess => this.process;
    const setTimeout = (run: (...args: unknown[]) => void, ms = 1, ...args: unknown[]): SimTimer =>
      process().setTimeout(() => run(...args), ms, args[0]);
    const setImmediate = (run: () => void): SimTimer => setTimeout(run, 0);
    // By this the library knows timers that no test has replaced.
    for (const real of [setTimeout, setImmediate]) {
      Object.defineProperty(real, promisify.custom, { get: () => undefined });
    }
    const math = Object.create(null, Object.getOwnPropertyDescriptors(Math)) as Math;
    Object.defineProperty(math, 'random', { value: () => process().random.next() });
    this.injected = [
      setTimeout,
      (timer?: SimTimer) => process().clearTimeout(timer),
      () => {
        throw new Error('the simulation has no setInterval');
      },
      setImmediate,
      (timer?: SimTimer) => process().clearTimeout(timer),
      { now: () => process().mono(), timeOrigin: EPOCH_MS },
      { now: () => process().wall() },
      math,
    ];
  }

  /** Lends the slot to a process. */
  bind(owner: SimProcess): void {
    if (this.owner === owner) return;
    // The library keeps a list of the timers that run.
    this.owner?.kill();
    this.owner = owner;
  }

  get process(): SimProcess {
    if (this.owner === null) throw new Error('no process uses this slot');
    return this.owner;
  }

  /** What `lib/<file>` exports. */
  load(file: string): unknown {
    return this.require(join(DIST, `${file}.js`));
  }

  private readonly now = (): Instant => ({ mono: this.process.mono(), wall: this.process.wall() });

  private require(path: string): unknown {
    const known = this.modules.get(path);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as unknown };
    this.modules.set(path, module);
    const require = (id: string): unknown =>
      id.startsWith('.') ? this.require(join(dirname(path), id)) : this.other(id);
    const replace = (name: string, declared: Declared): void => this.code.replace(path, name, declared, this.now);
    this.code.file(path)(module.exports, require, module, ...this.injected, replace);
    return module.exports;
  }

  private other(id: string): unknown {
    switch (id) {
      case 'node:crypto':
        return { createHash, randomUUID: () => this.process.uuid() };
      case 'node:timers/promises':
        return {
          setTimeout: (ms: number, value: unknown) =>
            new Promise((resolve) => void this.process.setTimeout(() => resolve(value), ms)),
        };
      case 'ioredis':
        // Clients are made by the simulation. Whatever is used of the real one fails loudly.
        return {};
      case 'node:events':
      case 'node:async_hooks':
      case 'node:diagnostics_channel':
      case 'node:util':
        return nodeRequire(id);
      default:
        throw new Error(`the library loads ${id}, which the simulation does not provide`);
    }
  }
}
