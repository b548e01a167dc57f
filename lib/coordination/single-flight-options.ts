import { LockConfigError } from '../errors/index.js';
import {
  checkFlag,
  checkKnown,
  checkLabel,
  checkLease,
  checkWait,
  checkWhole,
  MAX_LEASE_MS,
  MAX_MS,
} from '../options/checks.js';

/**
 * Options of a `SingleFlightCache`; every duration is in ms.
 *
 * @publicApi
 */
export interface SingleFlightOptions {
  /** How long a value is fresh after it was computed. 1 to 2 147 483 647. */
  readonly ttl: number;
  /**
   * How long after `ttl` the old value is still returned, while one caller computes a new one in the background. Default
   * 0: callers wait for the new value.
   */
  readonly staleFor?: number;
  /**
   * How long before the end of `ttl` one caller computes a new value in the background. Less than `ttl`. Default 0:
   * not before.
   */
  readonly refreshAhead?: number;
  /**
   * How long `undefined` and `null` are cached. Default 0: they are not cached, and each process computes them again.
   */
  readonly absentTtl?: number;
  /**
   * How long a call waits for a value that another call computes. A call whose own function computes waits for its end.
   * 0: it does not wait; `Infinity`: no limit. Default: the module's `wait`, 10 000.
   */
  readonly wait?: number;
  /** The length of the lease under which a value is computed. Default: the module's `lease`, 30 000. */
  readonly lease?: number;
  /**
   * Whether that lease is renewed while the function runs. `false`: if the function runs longer than `lease`, another
   * caller computes the value, and the late result is not cached. Default: the module's `renew`, `true`.
   */
  readonly renew?: boolean;
  /**
   * How long one request to the cache may take before it counts as failed. Default 1 000.
   */
  readonly cacheTimeout?: number;
  /**
   * What keys like this one have in common, for metrics and logs. 1 to 100 characters. Default: of `@SingleFlight`, its
   * template, or the class and method if its name is a function; else none.
   */
  readonly label?: string;
}

/**
 * Options of one call; those that are left out are those of the `SingleFlightCache`.
 *
 * @publicApi
 */
export interface SingleFlightCallOptions extends Partial<Omit<SingleFlightOptions, 'cacheTimeout'>> {
  /** Ends the wait of this call when it aborts. A computation that has begun continues for the other callers. */
  readonly signal?: AbortSignal;
}

const KNOWN = [
  'ttl',
  'staleFor',
  'refreshAhead',
  'absentTtl',
  'wait',
  'lease',
  'renew',
  'cacheTimeout',
  'label',
] as const;
const KNOWN_OF_CALL = [...KNOWN.filter((option) => option !== 'cacheTimeout'), 'signal'] as const;

/** @internal */
export type FlightOptions = Required<
  Pick<SingleFlightOptions, 'ttl' | 'staleFor' | 'refreshAhead' | 'absentTtl' | 'wait'>
> &
  Pick<SingleFlightOptions, 'lease' | 'renew' | 'label'>;

/** @internal @throws LockConfigError that names the option */
export function checkSingleFlightOptions(options: unknown, known: readonly string[] = KNOWN): void {
  if (typeof options !== 'object' || options === null) {
    throw new LockConfigError('The options of single flight must be an object with a "ttl".');
  }
  checkKnown('Single flight', options, known);
  const given = options as Record<string, unknown>;
  const check = (option: string, test: (option: string, value: unknown) => unknown): void => {
    if (given[option] !== undefined) test(option, given[option]);
  };
  check('ttl', atLeast(1));
  check('staleFor', atLeast(0));
  check('refreshAhead', atLeast(0));
  check('absentTtl', atLeast(0));
  check('wait', checkWait);
  check('lease', checkLease);
  check('renew', checkFlag);
  check('label', (_option, value) => checkLabel(value));
  check('cacheTimeout', (option, value) => checkWhole(option, value, 1, MAX_LEASE_MS));
  if (given.signal !== undefined && !(given.signal instanceof AbortSignal)) {
    throw new LockConfigError('"signal" must be an AbortSignal.');
  }
}

const atLeast =
  (min: number) =>
  (option: string, value: unknown): number =>
    checkWhole(option, value, min, MAX_MS);

/**
 * @internal The options of one call.
 *
 * @param wait how long a call waits by default
 * @throws LockConfigError that names the option
 */
export function flightOptions(
  common: Partial<SingleFlightOptions>,
  call: SingleFlightCallOptions | undefined,
  wait: number,
): FlightOptions {
  if (call !== undefined) checkSingleFlightOptions(call, KNOWN_OF_CALL);
  const { ttl, refreshAhead = 0, ...rest } = { ...common, ...withoutUndefined(call) };
  if (ttl === undefined) throw new LockConfigError('Single flight needs a "ttl": how long a value is fresh, in ms.');
  if (refreshAhead >= ttl) {
    throw new LockConfigError(`"refreshAhead" (${String(refreshAhead)}) must be shorter than "ttl" (${String(ttl)}).`);
  }
  return { staleFor: 0, absentTtl: 0, wait, ...rest, ttl, refreshAhead };
}

function withoutUndefined(options: object = {}): Partial<SingleFlightOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
