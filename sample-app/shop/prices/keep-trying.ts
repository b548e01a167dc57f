import { setTimeout as sleep } from 'node:timers/promises';

export interface Attempts {
  /** How long to continue after the first attempt, in ms. */
  readonly forMs: number;
  /** Between two attempts, in ms. */
  readonly pauseMs: number;
  /** Ends the waiting: its reason is thrown. */
  readonly signal: AbortSignal;
  /** Whether an error is temporary. */
  readonly isPassing: (error: unknown) => boolean;
}

/** Repeats an attempt while it fails with a passing error. Then the last error is thrown. */
export async function keepTrying<T>(attempt: () => Promise<T>, options: Attempts): Promise<T> {
  const until = performance.now() + options.forMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!options.isPassing(error) || performance.now() + options.pauseMs > until) throw error;
      await sleep(options.pauseMs, undefined, { signal: options.signal }).catch(() => options.signal.throwIfAborted());
    }
  }
}
