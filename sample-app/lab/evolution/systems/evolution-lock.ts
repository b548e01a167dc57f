/** A lock of one of the systems, correct or not. */
export interface EvolutionLock {
  /**
   * Runs `work` under the lock `name`, once the lock is acquired.
   *
   * @throws StillTakenError if the lock stays taken for longer than a caller waits
   */
  withLock<T>(name: string, work: (held: Held) => Promise<T>): Promise<T>;
  /** Closes what the lock has opened itself. */
  close?(): Promise<void>;
}

/** What a system provides to the work under its lock. */
export interface Held {
  /** The fencing token; `null` from a system that has none. */
  readonly token: number | null;
  /** Aborts when the lock is lost; `null` from a system that does not detect it. */
  readonly signal: AbortSignal | null;
}

/** The value of systems with neither token nor signal. */
export const nothingTold: Held = { token: null, signal: null };

/** All in ms. The defaults are the article's, where it names one. */
export interface LockTimings {
  /** How long the lock lasts. */
  readonly leaseMs?: number;
  /** How long a caller that found the lock taken sleeps before it retries. */
  readonly pauseMs?: number;
  /** How long a caller waits before it gives up. Default 60 000. */
  readonly patienceMs?: number;
}

export const defaultPauseMs = 100;
export const defaultPatienceMs = 60_000;

/** The lock stayed taken for longer than a caller waits. */
export class StillTakenError extends Error {
  override readonly name = 'StillTakenError';

  constructor(key: string, waitedMs: number) {
    super(`The lock ${key} stayed taken for ${String(Math.round(waitedMs))} ms.`);
  }
}
