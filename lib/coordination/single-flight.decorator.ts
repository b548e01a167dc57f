import { decoratedMethod, isAsync, replaceMethod, returnsObservable } from '../decorators/decorated-method.js';
import { checkConnection } from '../decorators/decorator-options.js';
import { numbersOf, splitOptions, type NumberOption } from '../decorators/instance-options.js';
import { injectCache, injectService, serviceOf } from '../decorators/injected-service.js';
import { nameRenderer } from '../decorators/name-source.js';
import type { Fits } from '../decorators/with-lock-types.js';
import { LockConfigError } from '../errors/index.js';
import type { LockService } from '../lock.service.js';
import { ARGUMENT_ROOTS } from '../naming/name-template.js';
import { labelFrom, show } from '../options/checks.js';
import { LOCK_CACHE } from '../tokens.js';
import type { FlightCache } from './shared-cache.js';
import { SingleFlightCache } from './single-flight-cache.js';
import { checkSingleFlightOptions, flightOptions, type SingleFlightOptions } from './single-flight-options.js';

type CallOptions = Omit<SingleFlightOptions, 'cacheTimeout'>;
type NumberKey = Exclude<keyof CallOptions, 'renew' | 'label'>;

/**
 * Options of `@SingleFlight`; every duration is in ms. Each number may be a function of the instance.
 *
 * @publicApi
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- by default any instance will do
export type SingleFlightMethodOptions<Self = any> = {
  readonly [Option in keyof CallOptions]: Option extends NumberKey
    ? NumberOption<Self> | CallOptions[Option]
    : CallOptions[Option];
} & {
  /**
   * Returns the cache of an instance, the same object at each call. Default: the cache of `CacheModule` of
   * `@nestjs/cache-manager`, which is injected.
   */
  readonly cache?: (self: Self) => FlightCache;
  /** The `name` of the `RedisLockModule` to use. Default: the module that was registered without a name. */
  readonly connection?: string;
};

/**
 * Decorates methods of `Self` that return a promise.
 *
 * @publicApi
 */
export type SingleFlightMethodDecorator<Args extends readonly unknown[], Self> = <
  Method extends (...args: never[]) => PromiseLike<unknown>,
>(
  target: Self & object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & Fits<Args, never, Method>,
) => void;

/** The caches that decorated methods use. Callers of all instances share the flights of one cache. */
const caches = new WeakMap<LockService, WeakMap<object, SingleFlightCache>>();

/**
 * Caches the result of a method. If the cache has none, the method runs once for all callers of all replicas: see
 * `SingleFlightCache`. The key, which is also the name of the lock, must contain everything that the result depends on.
 *
 * @param name a template of the key (`'catalog:<0>'`: `<0>` is the first argument), or a function of the arguments, which is
 *   called with the instance as `this`
 * @throws LockNameError, LockConfigError when the class is loaded, if the template, an option or the member cannot be
 *   used. A call rejects with the errors of `SingleFlightCache.get`, with `LockNameError` if an argument cannot be part
 *   of a key, and with `LockConfigError` if its instance has no lock service or no cache
 * @publicApi
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- by default any arguments and any instance will do
export function SingleFlight<Args extends readonly unknown[] = any[], Self = any>(
  name: string | ((this: Self, ...args: Args) => string),
  options: SingleFlightMethodOptions<Self>,
): SingleFlightMethodDecorator<Args, Self> {
  const { cache, connection: given, ...numbers } = checkObject(options);
  const connection = checkConnection('connection', given);
  if (cache !== undefined && typeof cache !== 'function') {
    throw new LockConfigError(`"cache" must be a function of the instance, but is ${show(cache)}.`);
  }
  const optionsOf = plan(name, numbers);
  const render = nameRenderer<Args>(name, ARGUMENT_ROOTS);

  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => {
    const method = decoratedMethod('@SingleFlight', target, key, descriptor);
    const { title, original } = method;
    if (!isAsync(original) && returnsObservable(target, key)) {
      throw new LockConfigError(
        `@SingleFlight cannot be put on ${title}: an Observable cannot be cached; return a promise.`,
      );
    }
    injectService(target, connection);
    if (cache === undefined) injectCache(target);
    replaceMethod(method, async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const service = serviceOf(this, connection, title);
      const flight = flightOf(service, cache === undefined ? injectedCache(this, title) : cache(this as Self));
      const rendered = render(this, args as readonly unknown[] as Args, (root) => args[Number(root)]) as string;
      return flight.get(rendered, () => Reflect.apply(original, this, args), optionsOf(this, title));
    });
  };
}

function checkObject<Self>(options: SingleFlightMethodOptions<Self>): SingleFlightMethodOptions<Self> {
  if (typeof options === 'object' && (options as object | null) !== null) return options;
  throw new LockConfigError('@SingleFlight needs options with a "ttl".');
}

/** Checks the constant options, and returns a function that gives the options for a call on an instance. */
function plan(name: unknown, options: object): (self: unknown, title: string) => Partial<CallOptions> {
  const { constant, ofInstance } = splitOptions<CallOptions>(options, NUMBERS);
  checkSingleFlightOptions(constant, [...NUMBERS, 'renew', 'label']);
  if (!ofInstance.some(([option]) => option === 'ttl')) flightOptions(constant, undefined, 0);
  return (self, title) => ({
    label: labelFrom(typeof name === 'string' ? name : title),
    ...constant,
    ...numbersOf(ofInstance, self, title),
  });
}

const NUMBERS = Object.keys({
  ttl: true,
  staleFor: true,
  refreshAhead: true,
  absentTtl: true,
  wait: true,
  lease: true,
} satisfies Record<NumberKey, true>);

function flightOf(service: LockService, cache: FlightCache): SingleFlightCache {
  const known = caches.get(service)?.get(cache);
  if (known !== undefined) return known;
  const flight = new SingleFlightCache(service, cache, { ttl: 1 });
  const ofService = caches.get(service) ?? new WeakMap<object, SingleFlightCache>();
  caches.set(service, ofService.set(cache, flight));
  return flight;
}

/** @throws LockConfigError if Nest has not injected it */
function injectedCache(instance: unknown, title: string): FlightCache {
  const cache: unknown =
    typeof instance === 'object' && instance !== null ? Reflect.get(instance, LOCK_CACHE) : undefined;
  if (cache !== undefined) return cache as FlightCache;
  throw new LockConfigError(
    `${title} was not run: its instance has no cache. Nest injects the cache of CacheModule (@nestjs/cache-manager) into ` +
      `instances that it creates. For other instances, or another cache, use the option "cache": cache: (self) => self.cache.`,
  );
}
