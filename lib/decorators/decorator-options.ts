import { LockConfigError, type LockBusyError } from '../errors/index.js';
import { checkAcquireOptions, type AcquireOptions } from '../options/acquire-options.js';
import { labelFrom, show } from '../options/checks.js';
import { DEFAULT_CONNECTION } from '../tokens.js';
import { numbersOf, splitOptions, type InstanceOption, type NumberOption } from './instance-options.js';

/**
 * What happens instead of the decorated method if its lock is still taken after `wait`.
 *
 * - `'throw'`: the caller gets the `LockBusyError`.
 * - `'skip'`: the caller gets `undefined`. Nothing is logged; the channel `nestjs-redis-lock:skipped` reports it.
 * - a function: it is called with the error and the call's arguments, and the caller gets its result.
 *
 * Every other error is thrown regardless of this option.
 *
 * @publicApi
 */
export type OnBusy<Args extends readonly unknown[]> =
  'throw' | 'skip' | ((busy: LockBusyError, ...args: Args) => unknown);

type NumberKey = {
  [Option in keyof AcquireOptions]-?: NonNullable<AcquireOptions[Option]> extends number ? Option : never;
}[keyof AcquireOptions];

/** `AcquireOptions` whose numbers may be functions of the instance. */
type InstanceOptions<Self> = {
  [Option in keyof AcquireOptions]: Option extends NumberKey ? NumberOption<Self> : AcquireOptions[Option];
};

/** The options that all lock decorators have. */
export interface LockDecoratorOptions<Args extends readonly unknown[], Self> extends InstanceOptions<Self> {
  /** The `name` of the `RedisLockModule` to use. Default: the module that was registered without a name. */
  readonly connection?: string;
  /** What happens instead of the method if its lock is still taken after `wait`. Default `'throw'`. */
  readonly onBusy?: OnBusy<Args>;
}

/** The options that are the same for all calls. */
type ConstantOptions<Args extends readonly unknown[]> = AcquireOptions &
  Pick<LockDecoratorOptions<Args, never>, 'connection' | 'onBusy'>;

export const NUMBERS: readonly string[] = Object.keys({
  wait: true,
  lease: true,
  holdAtLeast: true,
  minReplicas: true,
} satisfies Record<NumberKey, true>);

/** @internal The checked options of a decorator, without the source of the lock's name. */
export interface DecoratorPlan<Args extends readonly unknown[]> {
  /** The options that are the same for all calls. */
  readonly acquire: AcquireOptions;
  /** The options that are functions of the instance. */
  readonly ofInstance: readonly InstanceOption[];
  readonly connection: string;
  readonly onBusy: OnBusy<Args>;
}

/**
 * @internal Checks the options of a decorator when it is applied, so that a mistake is reported at start-up.
 *
 * @param source of the lock's name: a template is the default of `label`
 * @param more options that only this decorator has
 * @param numbers the options that may be functions of the instance
 * @throws LockConfigError that names the option
 */
export function planOf<Args extends readonly unknown[]>(
  source: unknown,
  options: LockDecoratorOptions<Args, never>,
  more: readonly string[] = [],
  numbers: readonly string[] = NUMBERS,
): DecoratorPlan<Args> {
  const { constant, ofInstance } = splitOptions<ConstantOptions<Args>>(options, numbers);
  checkAcquireOptions(constant, ['connection', 'onBusy', ...more]);
  const { connection, onBusy = 'throw', ...rest } = constant;
  if (!['throw', 'skip'].includes(onBusy as string) && typeof onBusy !== 'function') {
    throw new LockConfigError(`"onBusy" must be 'throw', 'skip' or a function, but is ${show(onBusy)}.`);
  }
  const own = Object.entries(rest).filter(([option]) => !more.includes(option));
  const acquire: AcquireOptions = Object.fromEntries(own);
  const label = acquire.label ?? (typeof source === 'string' ? labelFrom(source) : undefined);
  return {
    acquire: label === undefined ? acquire : { ...acquire, label },
    ofInstance,
    connection: checkConnection('connection', connection),
    onBusy,
  };
}

/**
 * @internal The options for one call on `self`. The service checks the numbers.
 *
 * @param title the method's name in messages
 * @throws LockConfigError if a function of the instance does not return a number
 */
export function acquireOptionsFor<Args extends readonly unknown[]>(
  plan: DecoratorPlan<Args>,
  self: unknown,
  title: string,
): AcquireOptions {
  const { ofInstance } = plan;
  const acquire = plan.acquire.label === undefined ? { ...plan.acquire, label: labelFrom(title) } : plan.acquire;
  if (ofInstance.length === 0) return acquire;
  if (self === undefined) {
    throw new LockConfigError(
      `${title} was not run: an option of its lock is a function of the instance, and Nest does not give the instance to ` +
        `interceptors of request-scoped message handlers, or of providers that are registered under a token other than ` +
        `their class. Use @WithLock on the method.`,
    );
  }
  return { ...acquire, ...numbersOf(ofInstance, self, title) };
}

/** @internal Checks the name of a connection. `undefined` stands for the default connection. */
export function checkConnection(option: string, name: unknown): string {
  if (name === undefined) return DEFAULT_CONNECTION;
  if (typeof name === 'string' && name !== '') return name;
  throw new LockConfigError(`"${option}" must be a non-empty string, but is ${show(name)}.`);
}
