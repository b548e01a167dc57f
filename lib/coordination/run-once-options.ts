import { LockConfigError } from '../errors/index.js';
import { checkFlag, checkKnown, checkLabel, checkLease, checkWhole, DAY_MS } from '../options/checks.js';

/**
 * Options of `runOnce`; every duration is in ms.
 *
 * @publicApi
 */
export interface RunOnceOptions {
  /**
   * Calls within this time of each other, by the clock of Redis, are one firing. It must be longer than the clocks of the
   * replicas differ and shorter than the time between two firings.
   */
  readonly window: number;
  /**
   * Whether another replica repeats a run whose process died or lost its lock. Its call waits until the run is recorded
   * as ended. A process that was only paused can still run beside its successor until its lease's signal aborts. Default
   * `false`.
   */
  readonly takeOver?: boolean;
  /** How many more attempts a firing gets if its run fails, on whichever replica is available. Default 0. */
  readonly retry?: number;
  /** The length of the lease, which is renewed while the job runs. Default: that of the module. */
  readonly lease?: number;
  /**
   * What jobs like this one have in common, for metrics and logs. 1 to 100 characters. Default: of `@RunOnce`, the name; else
   * none.
   */
  readonly label?: string;
}

/** The longest window. The record of a firing is kept for 30 days. */
const MAX_WINDOW_MS = 28 * DAY_MS;
const MAX_RETRY = 100;

/** @internal */
export type CheckedRunOnceOptions = Required<Omit<RunOnceOptions, 'lease' | 'label'>> &
  Pick<RunOnceOptions, 'lease' | 'label'>;

/** @internal @throws LockConfigError that names the option */
export function checkRunOnceOptions(options: RunOnceOptions): CheckedRunOnceOptions {
  if (typeof options !== 'object' || (options as RunOnceOptions | null) === null) {
    throw new LockConfigError('The options of runOnce must be an object with a "window".');
  }
  checkKnown('runOnce', options, ['window', 'takeOver', 'retry', 'lease', 'label']);
  const { window, takeOver = false, retry = 0, lease, label } = options;
  return {
    window: checkWindow(window),
    takeOver: checkFlag('takeOver', takeOver),
    retry: checkWhole('retry', retry, 0, MAX_RETRY),
    ...(lease === undefined ? {} : { lease: checkLease('lease', lease) }),
    ...(label === undefined ? {} : { label: checkLabel(label) }),
  };
}

/** @internal @throws LockConfigError */
export function checkWindow(window: unknown): number {
  return checkWhole('window', window, 1, MAX_WINDOW_MS);
}
