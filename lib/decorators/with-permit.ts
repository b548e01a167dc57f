import { LockConfigError, type LockBusyError } from '../errors/index.js';
import { ARGUMENT_ROOTS } from '../naming/name-template.js';
import { show } from '../options/checks.js';
import { checkPermitOptions, checkPermits, checkTake } from '../options/semaphore-options.js';
import { acquireOptionsFor, NUMBERS, planOf, type LockDecoratorOptions } from './decorator-options.js';
import { serviceOf } from './injected-service.js';
import type { NumberOption } from './instance-options.js';
import { lockedMethod } from './locked-method.js';
import { nameRenderer } from './name-source.js';
import type { LockedMethodDecorator } from './with-lock-types.js';

/**
 * Options of `@WithPermit`; every duration is in ms.
 *
 * @publicApi
 */
export interface WithPermitOptions<
  Args extends readonly unknown[] = readonly unknown[],
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- by default any instance will do
  Self = any,
> extends Omit<LockDecoratorOptions<Args, Self>, 'mode'> {
  /** How many calls may run at a time, in all processes together. 1 to 1 000 000. */
  readonly permits: NumberOption<Self>;
  /** How many permits each call takes, all or none. 1 to `permits`, 1 000 at most. Default 1. */
  readonly take?: NumberOption<Self>;
  /**
   * Declares that the method returns an Observable. Needed only without the compiler option `emitDecoratorMetadata`, or
   * if the declared return type of the method is not an Observable.
   */
  readonly returns?: 'observable';
}

type NameSource<Args extends readonly unknown[], Self> = string | ((this: Self, ...args: Args) => string);

/**
 * Limits how many calls of a method run at a time, in all processes together: each call takes a permit of the semaphore
 * `name` first, and waits for it for up to `wait` ms. If there are too few permits then, `onBusy` decides what happens.
 *
 * What `@WithLock` says of methods, streams and transactions applies here, too.
 *
 * @param name a template (`'partner:<0>'`: `<0>` is the first argument), or a function of the arguments, which is called
 *   with the instance as `this`. No lock can have the same name
 * @throws LockNameError, LockConfigError when the class is loaded, if the template, an option or the member cannot be
 *   used. A call rejects with the errors of `Semaphore.withPermit`, with `LockNameError` if an argument cannot be part
 *   of a name, and with `LockConfigError` if its instance was created outside of Nest
 * @publicApi
 */
/* eslint-disable @typescript-eslint/no-explicit-any -- by default any arguments, any answer and any instance will do */
export function WithPermit<Args extends readonly unknown[] = any[], Answer = any, Self = any>(
  name: NameSource<Args, Self>,
  options: Omit<WithPermitOptions<Args, Self>, 'onBusy'> & {
    readonly onBusy: (busy: LockBusyError, ...args: Args) => Answer;
  },
): LockedMethodDecorator<Args, Answer, Self>;
export function WithPermit<Args extends readonly unknown[] = any[], Self = any>(
  name: NameSource<Args, Self>,
  options: Omit<WithPermitOptions<Args, Self>, 'onBusy'> & { readonly onBusy: 'skip' },
): LockedMethodDecorator<Args, undefined, Self>;
export function WithPermit<Args extends readonly unknown[] = any[], Self = any>(
  name: NameSource<Args, Self>,
  options: WithPermitOptions<Args, Self>,
): LockedMethodDecorator<Args, never, Self>;
/* eslint-enable @typescript-eslint/no-explicit-any */
export function WithPermit(
  name: NameSource<readonly unknown[], never>,
  options: WithPermitOptions<readonly unknown[], never>,
): LockedMethodDecorator<readonly unknown[], never, object> {
  if (Array.isArray(name)) throw new LockConfigError(`@WithPermit takes one name, but got ${show(name)}.`);
  const plan = planOf(name, options, ['permits', 'take', 'returns'], [...NUMBERS, 'permits', 'take']);
  checkPermitOptions(plan.acquire);
  const constant = { permits: constantOf(options.permits), take: constantOf(options.take) ?? 1 };
  checkTake(constant.take, typeof options.permits === 'function' ? undefined : checkPermits(options.permits));
  const render = nameRenderer<readonly unknown[]>(name, ARGUMENT_ROOTS);
  return lockedMethod('@WithPermit', plan, options.returns, (self, args, title) => {
    const { permits, take, ...acquire } = { ...constant, ...acquireOptionsFor(plan, self, title) };
    return {
      service: serviceOf(self, plan.connection, title),
      names: render(self, args, (root) => args[Number(root)]),
      options: { ...acquire, take },
      permits,
    };
  });
}

function constantOf(option: unknown): number | undefined {
  return typeof option === 'function' ? undefined : (option as number | undefined);
}
