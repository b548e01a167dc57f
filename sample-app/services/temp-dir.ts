import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopOnExit } from './cleanup.js';

/** A folder of our own below the system's temp folder; it goes with this process at the latest. */
export interface TempDir {
  readonly path: string;
  remove(): void;
}

export function makeTempDir(purpose: string): TempDir {
  const path = mkdtempSync(join(tmpdir(), `redis-lock-${purpose}-`));
  const removeNow = (): void => {
    // The retries are for a server that was just killed and whose last file appears while the folder is emptied.
    rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  const forget = stopOnExit({
    stop: () => Promise.resolve().then(removeNow),
    stopNow: removeNow,
  });
  return {
    path,
    remove: () => {
      removeNow();
      forget();
    },
  };
}
