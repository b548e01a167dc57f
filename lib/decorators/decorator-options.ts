import { LockConfigError, type LockBusyError } from '../errors/index.js';
import { checkAcquireOptions, type AcquireOptions } from '../options/acquire-options.js';
import { show } from '../options/checks.js';
import { DEFAULT_CONNECTION } from '../tokens.js';

/**
 * What happens instead of the decorated method while its lock is taken.
 *
 * - `'throw'`: the caller gets the `LockBusyError`.
 * - `'skip'`: the caller gets `undefined`. Nothing is logged; the channel `nestjs-redis-lock:skipped` reports it.
 * - a function: the caller gets what it returns. It is given the error and the call's arguments.
 *
 * Any other failure to get the lock is thrown, whatever stands here.
 *
 * @publicApi
 */
export type OnBusy<Args extends readonly unknown[]> =
  'throw' | 'skip' | ((busy: LockBusyError, ...args: Args) => unknown);

/**
 * A number, or a function that returns it for the instance whose method is called: `{ wait: (self) => self.config.wait }`.
 * The function runs at each call, and the call rejects with `LockConfigError` if the value cannot be used.
 *
 * @publicApi
 */
export type NumberOption<Self> = number | ((self: Self) => number);

type NumberKey = {
  [Option in keyof AcquireOptions]-?: NonNullable<AcquireOptions[Option]> extends number ? Option : never;
}[keyof AcquireOptions];

/** The options of an acquisition, where each number may depend on the instance. */
type InstanceOptions<Self> = {
  [Option in keyof AcquireOptions]: Option extends NumberKey ? NumberOption<Self> : AcquireOptions[Option];
};

/** What the options of all lock decorators have in common. */
export interface LockDecoratorOptions<Args extends readonly unknown[], Self> extends InstanceOptions<Self> {
  /** Which `RedisLockModule` to use: the `name` it was registered under. Default: the one without a name. */
  readonly connection?: string;
  /** What happens instead of the method while its lock is taken. Default `'throw'`. */
  readonly onBusy?: OnBusy<Args>;
}

const NUMBERS = Object.keys({
  wait: true,
  lease: true,
  holdAtLeast: true,
  minReplicas: true,
} satisfies Record<NumberKey, true>);

/** @internal Checked options of a decorator, apart from its name source. */
export interface DecoratorPlan<Args extends readonly unknown[]> {
  /** The options that are the same for all calls. */
  readonly acquire: AcquireOptions;
  /** The options that are functions of the instance. */
  readonly ofInstance: readonly (readonly [option: string, valueOf: (self: unknown) => unknown])[];
  readonly connection: string;
  readonly onBusy: OnBusy<Args>;
}

/**
 * @internal Checks the options of a decorator when it is applied, so that a mistake is seen at start-up.
 *
 * @param more options that only this decorator has
 * @throws LockConfigError that names the option
 */
export function planOf<Args extends readonly unknown[]>(
  options: LockDecoratorOptions<Args, never>,
  more: readonly string[] = [],
): DecoratorPlan<Args> {
  const ofInstance = functionsIn(options);
  const constant = ofInstance.length === 0 ? options : without(options, ofInstance);
  checkAcquireOptions(constant, ['connection', 'onBusy', ...more]);
  const { connection, onBusy = 'throw', ...rest } = constant as LockDecoratorOptions<Args, never>;
  if (!['throw', 'skip'].includes(onBusy as string) && typeof onBusy !== 'function') {
    throw new LockConfigError(`"onBusy" must be 'throw', 'skip' or a function, but is ${show(onBusy)}.`);
  }
  const own = Object.entries(rest).filter(([option]) => !more.includes(option));
  // Frozen, so that they are looked at only once.
  const acquire = Object.freeze(Object.fromEntries(own));
  return { acquire, ofInstance, connection: checkConnection('connection', connection), onBusy };
}

/**
 * @internal The options for one call of a method of `self`. The service checks the numbers; a value that is none is rejected
 * here, since the service takes `undefined` for an option that was left out.
 *
 * @param title how messages name the method
 * @throws LockConfigError if a function of the instance returns no number
 */
export function acquireOptionsFor<Args extends readonly unknown[]>(
  { acquire, ofInstance }: DecoratorPlan<Args>,
  self: unknown,
  title: string,
): AcquireOptions {
  if (ofInstance.length === 0) return acquire;
  if (self === undefined) {
    throw new LockConfigError(
      `${title} was not run: an option of its lock is a function of the instance, and Nest does not tell an interceptor ` +
        `which instance it is. That is so for request-scoped message handlers, and for providers with a token other than ` +
        `their class. Use @WithLock on the method.`,
    );
  }
  const values = ofInstance.map(([option, valueOf]): [string, number] => {
    const value = valueOf(self);
    if (typeof value === 'number') return [option, value];
    throw new LockConfigError(
      `${title} was not run: the function for "${option}" must return a number, but returned ${show(value)}.`,
    );
  });
  return { ...acquire, ...Object.fromEntries(values) };
}

function functionsIn(options: unknown): DecoratorPlan<never>['ofInstance'] {
  if (typeof options !== 'object' || options === null) return [];
  return NUMBERS.flatMap((option) => {
    const value: unknown = Reflect.get(options, option);
    return typeof value === 'function' ? [[option, value as (self: unknown) => unknown] as const] : [];
  });
}

function without(options: object, left: DecoratorPlan<never>['ofInstance']): object {
  const names = left.map(([option]) => option);
  return Object.fromEntries(Object.entries(options).filter(([option]) => !names.includes(option)));
}

/** @internal Checks the name of a connection; without one, the default one is meant. */
export function checkConnection(option: string, name: unknown): string {
  if (name === undefined) return DEFAULT_CONNECTION;
  if (typeof name === 'string' && name !== '') return name;
  throw new LockConfigError(`"${option}" must be a non-empty string, but is ${show(name)}.`);
}
