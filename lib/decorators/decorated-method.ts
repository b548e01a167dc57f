import 'reflect-metadata';
import { isObservable } from 'rxjs';
import { LockConfigError } from '../errors/index.js';
import { callHandler } from './passage.js';

/** A method that a decorator was applied to. */
export interface DecoratedMethod {
  /** The method's name in messages: `CatalogService.rebuild`. */
  readonly title: string;
  readonly original: (...args: unknown[]) => unknown;
  readonly descriptor: PropertyDescriptor;
}

/**
 * Returns the method that a decorator was applied to.
 *
 * @throws LockConfigError if the member is not an instance method, or is a generator
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
    throw refuse('it is a generator, whose body would run after the lock is released; return a promise');
  }
  return { title, original: original as DecoratedMethod['original'], descriptor };
}

/** Whether the compiler's metadata gives an Observable, of any copy of rxjs, as the return type of a method. */
export function returnsObservable(target: object, key: string | symbol): boolean {
  const type: unknown = Reflect.getMetadata('design:returntype', target, key);
  return typeof type === 'function' && isObservable(type.prototype);
}

/** Whether the compiler's metadata gives a promise as the return type of a method. */
export function returnsPromise(target: object, key: string | symbol): boolean {
  return Reflect.getMetadata('design:returntype', target, key) === Promise;
}

export function isAsync(method: unknown): boolean {
  return Object.prototype.toString.call(method) === '[object AsyncFunction]';
}

/** Replaces the method by `wrapper`, and copies the name, the length and the metadata that other decorators read. */
export function replaceMethod({ original, descriptor }: DecoratedMethod, wrapper: DecoratedMethod['original']): void {
  for (const property of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, property, { value: original[property], configurable: true });
  }
  for (const key of Reflect.getMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapper);
  }
  descriptor.value = wrapper;
}

const watched = new WeakSet<object>();

/** Wraps every handler of a class, including inherited ones, in `callHandler`. */
export function watchHandlers(prototype: object): void {
  for (const { name, descriptor } of methodsOf(prototype)) {
    const original = descriptor.value as DecoratedMethod['original'];
    // A method without metadata is not a handler.
    if (watched.has(original) || Reflect.getOwnMetadataKeys(original).length === 0) continue;
    const method = { title: `${prototype.constructor.name}.${name}`, original, descriptor };
    const wrapper = function (this: unknown, ...args: unknown[]) {
      return callHandler(method, this, args);
    };
    replaceMethod(method, wrapper);
    watched.add(wrapper);
    Object.defineProperty(prototype, name, descriptor);
  }
}

/** The instance methods of a class, including inherited ones. */
export function methodsOf(prototype: object): { readonly name: string; readonly descriptor: PropertyDescriptor }[] {
  const methods = new Map<string, PropertyDescriptor>();
  for (
    let owner: unknown = prototype;
    isObject(owner) && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner)
  ) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      if (!methods.has(name)) methods.set(name, descriptor);
    }
  }
  return [...methods]
    .filter(([name, { value }]) => name !== 'constructor' && typeof value === 'function')
    .map(([name, descriptor]) => ({ name, descriptor }));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
