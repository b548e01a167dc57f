import 'reflect-metadata';
import { checkConnection } from '../decorators/decorator-options.js';
import { decoratedMethod, methodsOf, replaceMethod } from '../decorators/decorated-method.js';
import { injectService } from '../decorators/injected-service.js';
import { LockConfigError } from '../errors/index.js';
import type { Lease } from '../leases/lease.js';
import { checkPlainName } from '../naming/plain-name.js';
import { labelFrom } from '../options/checks.js';
import { checkElectionOptions, checkObject, type LeaderElectionOptions } from './leader-election-options.js';

/**
 * Options of `@WhileLeader`; every duration is in ms.
 *
 * @publicApi
 */
export interface WhileLeaderOptions extends LeaderElectionOptions {
  /** The `name` of the `RedisLockModule` to use. Default: the module that was registered without a name. */
  readonly connection?: string;
}

/**
 * Decorates a method that runs while its process leads.
 *
 * @publicApi
 */
export type WhileLeaderMethodDecorator = <Method extends (term: Lease) => PromiseLike<unknown>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** @internal A method with `@WhileLeader`, as its wrapper's metadata keeps it. */
export interface WhileLeaderPlan {
  readonly title: string;
  readonly name: string;
  readonly connection: string;
  readonly options: LeaderElectionOptions;
}

const WHILE_LEADER_PLAN = Symbol.for('nestjs-redis-lock/while-leader');

/**
 * Runs a method on one process at a time, of all that run the same app: on the leader, for as long as it leads
 * (`LeaderElection.lead`). The app starts it after the instance's `onApplicationBootstrap`. At shutdown the leader resigns
 * before the instance's `onModuleDestroy`, which waits until the method has ended, for `shutdownTimeout` at most.
 *
 * The method gets the lease of its term. It must end when the term's `signal` aborts, and not before: when it returns, the
 * leader resigns. It cannot be called without a lease.
 *
 * Works on singleton providers and controllers, also on inherited methods and on instances from a factory. Modules that
 * are loaded lazily have no lifecycle hooks: there the method never runs.
 *
 * @param name the name of the election and of its lock: plain text, not a template. Each in an app has its own
 * @throws LockNameError, LockConfigError when the class is loaded, if the name, an option or the member cannot be used;
 *   LockConfigError at start-up, if two methods have the same name, or the provider is request-scoped or transient
 * @publicApi
 */
export function WhileLeader(name: string, options: WhileLeaderOptions = {}): WhileLeaderMethodDecorator {
  checkPlainName(name, 'LeaderElection');
  checkObject('@WhileLeader', options);
  const { connection: given, ...others } = options;
  const connection = checkConnection('connection', given);
  const checked = checkElectionOptions({ ...others, label: others.label ?? labelFrom(name) }, '@WhileLeader');
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => {
    const method = decoratedMethod('@WhileLeader', target, key, descriptor);
    const { title, original } = method;
    const wrapper = function (this: unknown, ...args: unknown[]): unknown {
      heldLease(args[0], title).assertHeld();
      return Reflect.apply(original, this, args);
    };
    injectService(target, connection);
    replaceMethod(method, wrapper);
    const plan: WhileLeaderPlan = { title, name, connection, options: checked };
    Reflect.defineMetadata(WHILE_LEADER_PLAN, plan, wrapper);
  };
}

/** @internal The methods with `@WhileLeader` of a class. */
export function leaderMethodsOf(prototype: object): { readonly key: string; readonly plan: WhileLeaderPlan }[] {
  return methodsOf(prototype).flatMap(({ name: key, descriptor }) => {
    const plan: unknown = Reflect.getMetadata(WHILE_LEADER_PLAN, descriptor.value as object);
    return plan === undefined ? [] : [{ key, plan: plan as WhileLeaderPlan }];
  });
}

function heldLease(term: unknown, title: string): Pick<Lease, 'assertHeld'> {
  const lease = term as Partial<Lease> | null | undefined;
  if (typeof lease?.assertHeld === 'function') return lease as Lease;
  throw new LockConfigError(
    `${title} was not run: it runs only while its process is the leader, and the app calls it then, with the lease of its ` +
      `term. In a test, pass it a lease that you have acquired.`,
  );
}
