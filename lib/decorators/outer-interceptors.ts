import { ClassSerializerInterceptor } from '@nestjs/common';
import type { ApplicationConfig, ExternalContextCreator } from '@nestjs/core';
import { Reporter } from '../telemetry/reporter.js';
import type { LockLogger } from '../telemetry/lock-logger.js';
import { methodsOf } from './decorated-method.js';
import { locksOf } from './handler-locks.js';

/** Interceptors that only change the handler's result, and so may run outside of the lock. */
const HARMLESS = [ClassSerializerInterceptor.name, 'CacheInterceptor'];

/** The largest number of classes with `@UseLock` that the warning names. */
const LISTED = 3;

/**
 * Warns about global interceptors, which always run outside of the locks of `@UseLock`: a transaction that one of them
 * opens would commit after the lock is released.
 */
export function warnOfOuterInterceptors(
  connection: string,
  classes: readonly { readonly prototype: object }[],
  contexts: ExternalContextCreator,
  logger: LockLogger | false | undefined,
): void {
  const locked = [...new Set(classes.filter((type) => takesLocks(type, connection)).map(nameOf))];
  const outer = globalInterceptors(contexts).filter((name) => !HARMLESS.includes(name));
  if (locked.length === 0 || outer.length === 0) return;
  const more = locked.length > LISTED ? ` and ${String(locked.length - LISTED)} more` : '';
  new Reporter(logger ?? false).warn(
    'interceptors',
    `Global interceptors run outside of the locks of @UseLock on ${locked.slice(0, LISTED).join(', ')}${more}: ` +
      `${outer.join(', ')}. If one of them opens a transaction, it commits after the lock is released: bind it to the ` +
      `controller or the handler with @UseInterceptors, so that it runs under the lock.`,
  );
}

function takesLocks(type: { readonly prototype: object }, connection: string): boolean {
  const takes = (place: object) => locksOf(place).some(({ plan }) => plan.connection === connection);
  return takes(type) || methodsOf(type.prototype).some(({ descriptor }) => takes(descriptor.value as object));
}

/** Nest has no public list of global interceptors. If the private one changes, there is no warning. */
function globalInterceptors(contexts: ExternalContextCreator): string[] {
  const creator = Reflect.get(contexts, 'interceptorsContextCreator') as
    { config?: Partial<ApplicationConfig> } | undefined;
  const { config } = creator ?? {};
  const instances = config?.getGlobalInterceptors?.().map((interceptor) => interceptor.constructor) ?? [];
  const requestScoped = config?.getGlobalRequestInterceptors?.().map(({ metatype }) => metatype) ?? [];
  return [...new Set([...instances, ...requestScoped].map(nameOf))];
}

function nameOf(type: unknown): string {
  const name: unknown = typeof type === 'function' ? type.name : undefined;
  return typeof name === 'string' && name !== '' && name !== 'Object' ? name : 'an interceptor without a class';
}
