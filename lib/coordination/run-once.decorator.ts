import 'reflect-metadata';
import { checkConnection } from '../decorators/decorator-options.js';
import { decoratedMethod, replaceMethod } from '../decorators/decorated-method.js';
import { injectService, serviceOf } from '../decorators/injected-service.js';
import type { Problem } from '../decorators/with-lock-types.js';
import { LockConfigError } from '../errors/index.js';
import { checkPlainName } from '../naming/plain-name.js';
import { labelFrom } from '../options/checks.js';
import { defaultWindow, timeBetweenFirings } from './firing-window.js';
import { checkRunOnceOptions, checkWindow, type RunOnceOptions } from './run-once-options.js';
import { runOnce } from './run-once.js';

/**
 * Options of `@RunOnce`; every duration is in ms.
 *
 * @publicApi
 */
export interface RunOnceMethodOptions extends Omit<RunOnceOptions, 'window'> {
  /**
   * Calls within this time of each other, by the clock of Redis, are one firing. It must be longer than the clocks of the
   * replicas differ and shorter than the time between two firings.
   *
   * Default: with `@Cron` on the same method, half of the shortest time between two firings, at most 30 s; with
   * `@Interval`, the interval less a tenth, or less 1 s if that is shorter. Otherwise it is required.
   */
  readonly window?: number;
  /** The `name` of the `RedisLockModule` to use. Default: the module that was registered without a name. */
  readonly connection?: string;
}

/**
 * Decorates a method whose callers get its result, or `undefined` if the job did not run for their call.
 *
 * @publicApi
 */
export type RunOnceMethodDecorator = <
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- as a return type, in a union with promises
  Method extends (...args: never[]) => void | PromiseLike<unknown>,
>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> &
    (undefined extends Awaited<ReturnType<Method>>
      ? unknown
      : Problem<'Callers whose job does not run get undefined, which does not fit the return type of the method'>),
) => void;

/** @internal A method with `@RunOnce`, as its wrapper's metadata keeps it. */
export interface RunOncePlan {
  readonly title: string;
  readonly name: string;
  readonly connection: string;
  window: number | undefined;
}

/** @internal */
export const RUN_ONCE_PLAN = Symbol.for('nestjs-redis-lock/run-once');

/**
 * Runs a method on one of the replicas that call it at about the same time, with `runOnce`: a `@Cron`, an `@Interval`, or any
 * method that all replicas call. The other calls do not run it, and resolve with `undefined`. Put it above or below the
 * decorators of `@nestjs/schedule`. Inside the method, `currentLease()` returns the lease.
 *
 * @param name the name of the job and of its lock: plain text, not a template. Each job of an app has its own
 * @throws LockNameError, LockConfigError when the class is loaded, if the name, an option or the member cannot be used;
 *   LockConfigError at start-up, if `window` is neither given nor known, or is not shorter than the time between two
 *   firings, or if two methods have the same name. A call rejects with the errors of `runOnce`
 * @publicApi
 */
export function RunOnce(name: string, options: RunOnceMethodOptions = {}): RunOnceMethodDecorator {
  checkPlainName(name, 'runOnce()');
  const { connection: given, window, ...others } = options;
  const connection = checkConnection('connection', given);
  const checked = checkRunOnceOptions({ ...others, label: others.label ?? labelFrom(name), window: 1 });
  if (window !== undefined) checkWindow(window);
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => {
    const method = decoratedMethod('@RunOnce', target, key, descriptor);
    const { title, original } = method;
    const plan: RunOncePlan = { title, name, connection, window };
    const wrapper = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const service = serviceOf(this, connection, title);
      const job = (): unknown => Reflect.apply(original, this, args);
      const result = await runOnce(service, name, job, { ...checked, window: windowOf(plan, wrapper) });
      return result.ran ? result.value : undefined;
    };
    injectService(target, connection);
    replaceMethod(method, wrapper);
    Reflect.defineMetadata(RUN_ONCE_PLAN, plan, wrapper);
  };
}

/**
 * @internal The window of a job, which becomes part of its plan.
 *
 * @param method the method with the metadata of all decorators above and below
 * @throws LockConfigError if it is neither given nor known
 */
export function windowOf(plan: RunOncePlan, method: object): number {
  plan.window ??= defaultWindow(method);
  if (plan.window !== undefined) return plan.window;
  throw new LockConfigError(
    `@RunOnce on ${plan.title} needs "window", in ms: calls within this time of each other are one firing. It is known ` +
      `without that only where @Cron or @Interval of @nestjs/schedule is on the same method.`,
  );
}

/**
 * @internal Compares the window of a job with the schedule of its method, as far as that is known.
 *
 * @throws LockConfigError if it is so long that each firing would be part of the one before
 */
export function checkSchedule({ title, window }: RunOncePlan, method: object): void {
  const gapMs = timeBetweenFirings(method);
  if (window === undefined || gapMs === undefined || window < gapMs) return;
  throw new LockConfigError(
    `The "window" of @RunOnce on ${title} (${String(window)} ms) must be shorter than the time between two firings ` +
      `(${String(gapMs)} ms): calls within "window" are one firing, so the job would not run each time.`,
  );
}
