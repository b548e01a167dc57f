import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopOnExit } from './cleanup.js';

/** A new folder below the system's temp folder. It is deleted at the latest when this process ends. */
export interface TempDir {
  readonly path: string;
  readonly remove: () => void;
}

const tries = 60;
const pauseMs = 50;

export function makeTempDir(purpose: string): TempDir {
  const path = mkdtempSync(join(tmpdir(), `redis-lock-${purpose}-`));
  const removeNow = (): void => {
    removeFolder(path);
  };
  const forget = stopOnExit({ stop: () => Promise.resolve().then(removeNow), stopNow: removeNow });
  return {
    path,
    remove: () => {
      removeNow();
      forget();
    },
  };
}

/**
 * A server that is stopping may write its last file while its folder is deleted, so this retries for a while. It
 * blocks, since it must also work when the process is about to end; `maxRetries` of `rmSync` does not help from Node 24
 * on.
 */
function removeFolder(path: string): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      rmSync(path, { recursive: true, force: true });
      if (!existsSync(path)) return;
    } catch (error) {
      if (attempt === tries) throw error;
    }
    if (attempt === tries) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  }
}
