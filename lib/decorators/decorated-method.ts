import 'reflect-metadata';
import { isObservable } from 'rxjs';
import { LockConfigError } from '../errors/index.js';

/** A method as a decorator finds it. */
export interface DecoratedMethod {
  /** How messages name it: `CatalogService.rebuild`. */
  readonly title: string;
  readonly original: (...args: unknown[]) => unknown;
  readonly descriptor: PropertyDescriptor;
}

/**
 * Looks at what a decorator was put on.
 *
 * @throws LockConfigError if it is anything but a method of instances that returns once
 */
export function decoratedMethod(
  decorator: string,
  target: object,
  key: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): DecoratedMethod {
  if (typeof key === 'object') {
    throw new LockConfigError(`${decorator} needs "experimentalDecorators": true in tsconfig.json, as Nest does.`);
  }
  if (key === undefined) throw new LockConfigError(`${decorator} must be put on a method, not on a class.`);
  const owner = typeof target === 'function' ? target : target.constructor;
  const title = `${owner.name}.${String(key)}`;
  const refuse = (why: string) => new LockConfigError(`${decorator} cannot be put on ${title}: ${why}.`);

  if (typeof target === 'function') throw refuse('it is static, and Nest injects no lock service there');
  if (descriptor === undefined) throw refuse('it is a property; write it as a method');
  if (descriptor.get !== undefined || descriptor.set !== undefined) throw refuse('it is an accessor, not a method');
  const original: unknown = descriptor.value;
  if (typeof original !== 'function') throw refuse('it is not a method');
  if (Object.prototype.toString.call(original).includes('Generator')) {
    throw refuse('it is a generator, whose body runs after the call and so after the lock; return a promise');
  }
  return { title, original: original as DecoratedMethod['original'], descriptor };
}

/** Whether the compiler recorded that a method returns an Observable, of whichever copy of rxjs. */
export function returnsObservable(target: object, key: string | symbol): boolean {
  const type: unknown = Reflect.getMetadata('design:returntype', target, key);
  return typeof type === 'function' && isObservable(type.prototype);
}

/** Puts `wrapper` in the method's place, with the name, the length and the metadata that other decorators look for. */
export function replaceMethod({ original, descriptor }: DecoratedMethod, wrapper: DecoratedMethod['original']): void {
  for (const property of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, property, { value: original[property], configurable: true });
  }
  for (const key of Reflect.getMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapper);
  }
  descriptor.value = wrapper;
}
