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

/** What the options of all lock decorators have in common. */
export interface LockDecoratorOptions<Args extends readonly unknown[]> extends AcquireOptions {
  /** Which `RedisLockModule` to use: the `name` it was registered under. Default: the one without a name. */
  readonly connection?: string;
  /** What happens instead of the method while its lock is taken. Default `'throw'`. */
  readonly onBusy?: OnBusy<Args>;
}

/** @internal Checked options of a decorator, apart from its name source. */
export interface DecoratorPlan<Args extends readonly unknown[]> {
  readonly acquire: AcquireOptions;
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
  options: LockDecoratorOptions<Args>,
  more: readonly string[] = [],
): DecoratorPlan<Args> {
  checkAcquireOptions(options, ['connection', 'onBusy', ...more]);
  const { connection, onBusy = 'throw', ...rest } = options;
  if (!['throw', 'skip'].includes(onBusy as string) && typeof onBusy !== 'function') {
    throw new LockConfigError(`"onBusy" must be 'throw', 'skip' or a function, but is ${show(onBusy)}.`);
  }
  const own = Object.entries(rest).filter(([option]) => !more.includes(option));
  // Frozen, so that they are looked at only once.
  const acquire = Object.freeze(Object.fromEntries(own));
  return { acquire, connection: checkConnection('connection', connection), onBusy };
}

/** @internal Checks the name of a connection; without one, the default one is meant. */
export function checkConnection(option: string, name: unknown): string {
  if (name === undefined) return DEFAULT_CONNECTION;
  if (typeof name === 'string' && name !== '') return name;
  throw new LockConfigError(`"${option}" must be a non-empty string, but is ${show(name)}.`);
}
