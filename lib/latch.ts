import { randomUUID } from 'node:crypto';
import { LockUnavailableError } from './errors/index.js';
import { checkCount, type LatchWaitOptions } from './options/latch-options.js';
import type { LatchStore } from './stores/lock-store.js';
import { monotonic } from './time/clock.js';
import { sleep } from './time/timer.js';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/** @internal What a latch needs of its service. */
export interface LatchHost {
  readonly store: LatchStore;
  /** How long a request that fails is sent again, in ms. */
  readonly retryMs: number;
  /** Aborts when the service is closed. */
  readonly closing: AbortSignal;
  wait(options: LatchWaitOptions): Promise<void>;
}

/**
 * Opens for all callers that wait for it, in all processes, when it was counted down to 0. `LockService.latch` creates it.
 *
 * @publicApi
 */
export class Latch {
  /** @internal Use `LockService.latch`. */
  constructor(
    /** The name of the latch. No lock can have the same name. */
    readonly name: string,
    private readonly host: LatchHost,
  ) {}

  /**
   * Closes the latch until it was counted down `count` times, 1 to 1 000 000 000. Resolves with `false`, and changes nothing, if it is
   * closed already.
   *
   * @throws LockConfigError if `count` is not valid, or if the name is in use for another kind of lock
   * @throws LockUnavailableError if Redis did not reply, or refused the request, for as long as the module's `wait`
   */
  async trySetCount(count: number): Promise<boolean> {
    const checked = checkCount(count);
    return this.repeat((id) => this.host.store.trySetCount(this.name, checked, id));
  }

  /**
   * Counts the latch down by 1, and opens it at 0. Resolves with the count after it. A call counts once, even if Redis gets its
   * request twice. It has no effect on a latch that is open.
   *
   * @throws LockConfigError if the name is in use for another kind of lock
   * @throws LockUnavailableError if Redis did not reply, or refused the request, for as long as the module's `wait`. It may have
   *   been counted
   */
  countDown(): Promise<number> {
    return this.repeat((id) => this.host.store.countDown(this.name, id));
  }

  /**
   * Resolves when the latch is open: at once if it is, or if it was never set.
   *
   * @throws LockBusyError if it is still closed after `wait`; LockAbortedError, LockUnavailableError, LockShutdownError
   * @throws LockConfigError if an option is not valid, or if the name is in use for another kind of lock
   */
  wait(options: LatchWaitOptions = {}): Promise<void> {
    return this.host.wait(options);
  }

  /**
   * How many times it has to be counted down until it opens; 0 if it is open.
   *
   * @throws LockUnavailableError
   */
  count(): Promise<number> {
    return this.host.store.count(this.name);
  }

  /** Sends a request until there is a reply. With the same id, it is executed once. */
  private async repeat<T>(request: (id: string) => Promise<T>): Promise<T> {
    const { retryMs, closing } = this.host;
    const id = randomUUID();
    const until = monotonic() + retryMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
      try {
        return await request(id);
      } catch (error) {
        const passing = error instanceof LockUnavailableError && error.retryable;
        if (!passing || closing.aborted || monotonic() + pause > until) throw error;
        await sleep(pause);
      }
    }
  }
}
