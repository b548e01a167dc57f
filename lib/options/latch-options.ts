import { LockConfigError } from '../errors/index.js';
import { checkKnown, checkWhole, show } from './checks.js';

/** The largest count of a latch. */
const MAX_COUNT = 1_000_000_000;

/**
 * Options of a call that waits for a latch.
 *
 * @publicApi
 */
export interface LatchWaitOptions {
  /** How long to wait, in ms. 0: the latch is read once; `Infinity`: no limit. Default: the module's `wait`, 10 000. */
  readonly wait?: number;
  /** Ends the wait when it aborts. */
  readonly signal?: AbortSignal;
  /** What calls like this one have in common, for metrics and logs. 1 to 100 characters. Default: none. */
  readonly label?: string;
}

/** @internal @throws LockConfigError; the values are checked with those of locks */
export function checkLatchWaitOptions(options: unknown): LatchWaitOptions {
  if (typeof options !== 'object' || options === null) {
    throw new LockConfigError(`The options of a latch must be an object, but are ${show(options)}.`);
  }
  checkKnown('A latch', options, ['wait', 'signal', 'label']);
  return options;
}

/** @internal @throws LockConfigError */
export function checkCount(count: unknown): number {
  return checkWhole('count', count, 1, MAX_COUNT);
}
