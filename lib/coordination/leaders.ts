import { LockConfigError, LockShutdownError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import type { Lease } from '../leases/lease.js';
import type { LockService } from '../lock.service.js';
import { campaignEndedWarning } from '../telemetry/warnings.js';
import { sleep } from '../time/timer.js';
import { LeaderElection } from './leader-election.js';
import { leaderMethodsOf, type WhileLeaderPlan } from './while-leader.decorator.js';

/** The parts of Nest's wrapper of a provider or controller that are needed here. */
export interface WrappedProvider {
  readonly instance: unknown;
  readonly metatype: unknown;
  readonly isTransient: boolean;
  isDependencyTreeStatic(): boolean;
}

/** One method with `@WhileLeader` of one instance. */
interface LeaderMethod {
  readonly election: LeaderElection;
  readonly code: (term: Lease) => unknown;
}

type Hook = 'onApplicationBootstrap' | 'onModuleDestroy';

/**
 * Runs the methods with `@WhileLeader` of one connection, from the bootstrap of the app to its shutdown.
 *
 * Their instances get lifecycle hooks of their own, since Nest destroys a provider before the modules that its module
 * imports, and the lock module last: a hook of the lock module would let the leader resign when the database that its
 * method uses is closed already.
 */
export class Leaders {
  private readonly stop = new AbortController();
  private readonly campaigns = new Map<object, Promise<void>[]>();

  constructor(
    private readonly connection: string,
    private readonly service: LockService,
  ) {}

  /** @throws LockConfigError if a method cannot be run, or two methods have the same name */
  prepare(wrappers: readonly WrappedProvider[]): void {
    const titles = new Map<string, string>();
    const known = new Set<unknown>();
    for (const wrapper of wrappers) {
      const { instance, metatype } = wrapper;
      if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) this.refuseScope(metatype);
      else if (typeof instance === 'object' && instance !== null && !known.has(instance)) {
        known.add(instance);
        this.addHooks(instance, titles);
      }
    }
  }

  /** A provider with these scopes has no instance, or several. */
  private refuseScope(type: unknown): void {
    const prototype: unknown = typeof type === 'function' ? type.prototype : undefined;
    const [found] = this.methodsOf(prototype);
    if (found === undefined) return;
    throw new LockConfigError(
      `@WhileLeader cannot be put on ${found.plan.title}: its provider is request-scoped or transient, or depends on a ` +
        `request-scoped one. Let it depend on providers of the default scope only.`,
    );
  }

  private methodsOf(prototype: unknown): { readonly key: string; readonly plan: WhileLeaderPlan }[] {
    if (typeof prototype !== 'object' || prototype === null) return [];
    return leaderMethodsOf(prototype).filter(({ plan }) => plan.connection === this.connection);
  }

  private addHooks(instance: object, titles: Map<string, string>): void {
    const found = this.methodsOf(Object.getPrototypeOf(instance));
    // A test may replace the service by an object without these methods.
    if (found.length === 0 || typeof (this.service as Partial<LockService>).checkOptions !== 'function') return;
    const methods = found.map(({ key, plan }): LeaderMethod => {
      refuseDouble(plan, titles);
      const election = new LeaderElection(this.service, plan.name, plan.options);
      return { election, code: (term) => (Reflect.get(instance, key) as LeaderMethod['code']).call(instance, term) };
    });
    const { title } = (found[0] as (typeof found)[0]).plan;
    addHook(instance, 'onApplicationBootstrap', title, async (original) => {
      await original();
      this.campaigns.set(
        instance,
        methods.map((method) => this.run(method)),
      );
    });
    addHook(instance, 'onModuleDestroy', title, async (original) => {
      await this.resign(instance);
      await original();
    });
  }

  /** Never rejects. */
  private async run({ election, code }: LeaderMethod): Promise<void> {
    try {
      await election.lead(code, { signal: this.stop.signal });
    } catch (error) {
      this.service.reporter.warn('term', campaignEndedWarning(election.name, error));
    }
  }

  /** All leaders of the app resign together; each instance waits for its own. */
  private async resign(instance: object): Promise<void> {
    this.stop.abort(new LockShutdownError());
    const ended = new AbortController();
    const campaigns = Promise.all(this.campaigns.get(instance) ?? []);
    await Promise.race([campaigns, sleep(this.service.shutdownTimeout, ended.signal)]);
    ended.abort();
  }
}

function refuseDouble({ name, title }: WhileLeaderPlan, titles: Map<string, string>): void {
  const other = titles.get(name);
  titles.set(name, title);
  if (other === undefined) return;
  const who = other === title ? `${title} has two instances in this app` : `${title} and ${other} have the same name`;
  throw new LockConfigError(
    `@WhileLeader(${quoteName(name)}): ${who}, and only one of them would ever lead. Give each its own name, and provide ` +
      `each class once.`,
    name,
  );
}

/** Nest looks for the hooks of an instance when it calls them. The hook is removed when it is called. */
function addHook(
  instance: object,
  hook: Hook,
  title: string,
  run: (original: () => Promise<void>) => Promise<void>,
): void {
  const existing: unknown = Reflect.get(instance, hook);
  const own = Reflect.getOwnPropertyDescriptor(instance, hook);
  const original = async (): Promise<void> => {
    if (typeof existing === 'function') await Reflect.apply(existing, instance, []);
  };
  const value = (): Promise<void> => {
    if (own === undefined) Reflect.deleteProperty(instance, hook);
    else Reflect.defineProperty(instance, hook, own);
    return run(original);
  };
  if (Reflect.defineProperty(instance, hook, { value, configurable: true, writable: true, enumerable: false })) return;
  throw new LockConfigError(`${title} cannot be run while its process leads: its instance is frozen.`);
}
