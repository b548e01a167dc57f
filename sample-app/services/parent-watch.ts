import { stopAll } from './cleanup.js';

const everyMs = 500;

/**
 * Stops everything, in order, when the process that started us ends. npm passes signals on to the program that it
 * runs, but a shell between the two, or a `kill -9`, breaks that chain. A program that was not started by npm may
 * outlive its parent: `nohup`, for one, is for that.
 */
export function endWithParent(): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.exitCode = 1;
    // Where the terminal is gone, a write to it fails.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
    void stopAll()
      .catch(() => undefined)
      .finally(() => process.exit());
  }, everyMs);
  timer.unref();
}
