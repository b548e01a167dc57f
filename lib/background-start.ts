import { LockUnavailableError } from './errors/index.js';
import type { LockStore } from './stores/lock-store.js';
import type { Reporter } from './telemetry/reporter.js';
import { REACHABLE_WARNING, startupWarning } from './telemetry/warnings.js';
import { sleep } from './time/timer.js';

const RETRY_MS = 1_000;

/**
 * Checks the store in the background while the app starts. Warns once if the store cannot be used, and once when it can
 * be used after that. Does nothing without a logger.
 *
 * @param closing aborts when the service is closed
 */
export function startInBackground(store: LockStore, timeoutMs: number, reporter: Reporter, closing: AbortSignal): void {
  if (!reporter.silent) void check(store, timeoutMs, reporter, closing);
}

/** Never rejects. */
async function check(store: LockStore, timeoutMs: number, reporter: Reporter, closing: AbortSignal): Promise<void> {
  for (let failed = false; ; failed = true) {
    try {
      await store.connect(timeoutMs);
      if (failed) reporter.warn('startup', REACHABLE_WARNING);
      return;
    } catch (error) {
      if (closing.aborted) return;
      if (!failed) reporter.warn('startup', startupWarning(error));
      // Retries do not help against a missing permission or a wrong option.
      if (!(error instanceof LockUnavailableError) || !error.retryable) return;
    }
    await sleep(RETRY_MS, closing);
  }
}
