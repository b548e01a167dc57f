import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../../../sample-app/services/find-program.js';

const SOURCE = fileURLToPath(new URL('./step-clock.c', import.meta.url));

/** Clocks of single processes that can be set while they run. Needs Linux and a C compiler. */
export class SteppedClocks {
  private constructor(
    private readonly library: string,
    private readonly folder: string,
  ) {}

  /** `undefined` where they cannot be had. */
  static build(folder: string): SteppedClocks | undefined {
    const compiler = process.platform === 'linux' ? findProgram('cc', 'gcc', 'clang') : undefined;
    if (compiler === undefined) return undefined;
    const library = join(folder, 'step-clock.so');
    execFileSync(compiler, ['-O2', '-shared', '-fPIC', '-o', library, SOURCE], { stdio: ['ignore', 'ignore', 'pipe'] });
    return new SteppedClocks(library, folder);
  }

  /** A clock that is right until it is set. */
  make(name: string): SteppedClock {
    return new SteppedClock(this.library, join(this.folder, `clock-${name}`));
  }
}

export class SteppedClock {
  constructor(
    private readonly library: string,
    private readonly path: string,
  ) {
    writeFileSync(path, Buffer.alloc(8));
  }

  /** For the environment of the process that is to have this clock. */
  get env(): NodeJS.ProcessEnv {
    return { LD_PRELOAD: this.library, STEP_CLOCK_FILE: this.path };
  }

  /** From now on the process's wall clock is this far from the machine's, ms; its monotonic clock is not touched. */
  set(ms: number): void {
    const offset = Buffer.alloc(8);
    offset.writeBigInt64LE(BigInt(Math.round(ms * 1_000)));
    // Written in place: the process has this very file in its memory.
    const file = openSync(this.path, 'r+');
    writeSync(file, offset, 0, offset.length, 0);
    closeSync(file);
  }
}
