import type { OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import 'reflect-metadata';
import { methodsOf } from '../decorators/decorated-method.js';
import { LockConfigError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import type { LockService } from '../lock.service.js';
import { Leaders } from './leaders.js';
import { checkSchedule, RUN_ONCE_PLAN, windowOf, type RunOncePlan } from './run-once.decorator.js';
import { checkFirings } from './run-once.js';

/** A method with `@RunOnce`. */
interface Job {
  readonly plan: RunOncePlan;
  readonly method: object;
}

/** What a lock module does at start-up for the coordination decorators of its connection. */
export class CoordinationLifecycle implements OnModuleInit {
  private readonly leaders: Leaders;

  constructor(
    private readonly connection: string,
    private readonly service: LockService,
    private readonly discovery: DiscoveryService,
  ) {
    this.leaders = new Leaders(connection, service);
  }

  /**
   * @throws LockConfigError if a method with `@RunOnce` has no `window`, or one that is too long, if two of them have one
   *   name, or their connection is a quorum; if a method with `@WhileLeader` cannot be run
   */
  onModuleInit(): void {
    const jobs: Job[] = [];
    for (const method of this.methods()) {
      const plan = Reflect.getMetadata(RUN_ONCE_PLAN, method) as RunOncePlan | undefined;
      if (plan?.connection !== this.connection) continue;
      checkSchedule(plan, method);
      windowOf(plan, method);
      checkFirings(this.service);
      jobs.push({ plan, method });
    }
    checkNames(jobs);
    this.leaders.prepare(this.wrappers());
  }

  /** All methods of the app's providers and controllers. */
  private methods(): object[] {
    const prototypes = new Set(this.wrappers().flatMap(({ instance, metatype }) => prototypesOf(instance, metatype)));
    return [...prototypes].flatMap((each) => methodsOf(each).map(({ descriptor }) => descriptor.value as object));
  }

  private wrappers(): ReturnType<DiscoveryService['getProviders']> {
    return [...this.discovery.getControllers(), ...this.discovery.getProviders()];
  }
}

/** @throws LockConfigError if two methods have the same name: a call of one would count as a run of the other */
function checkNames(jobs: readonly Job[]): void {
  const first = new Map<string, Job>();
  for (const job of jobs) {
    const { name, title } = job.plan;
    const other = first.get(name) ?? job;
    first.set(name, other);
    if (other.method === job.method) continue;
    throw new LockConfigError(
      `${other.plan.title} and ${title} have @RunOnce with the same name ${quoteName(name)}: a call of one would count as a run ` +
        `of the other. Give each job a name of its own.`,
      name,
    );
  }
}

/** Of an instance from a factory or `useValue`, and of a class, also if it is request-scoped. */
function prototypesOf(instance: unknown, type: unknown): object[] {
  const ofClass: unknown = typeof type === 'function' ? type.prototype : undefined;
  const ofInstance: unknown =
    typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance) : null;
  return [ofClass, ofInstance].filter((each): each is object => typeof each === 'object' && each !== null);
}
