import { describe, expect, it } from '@jest/globals';
import { SetMetadata } from '@nestjs/common';
import { LockConfigError, LockNameError, UseLock, WithLock, type WithLockOptions } from 'nestjs-redis-lock';
import 'reflect-metadata';

/** What the compiler would refuse is handed over as JavaScript would. */
const withLock = WithLock as (name: unknown, options?: unknown) => MethodDecorator;
const useLock = UseLock as (name: unknown, options?: unknown) => MethodDecorator & ClassDecorator;

function decorate(decorator: MethodDecorator, target: object, key: string): void {
  decorator(target, key, Object.getOwnPropertyDescriptor(target, key)!);
}

class Target {
  declare property: string;

  static async ofTheClass(): Promise<void> {}

  async method(): Promise<void> {}

  *generator(): Generator<number> {
    yield 1;
  }

  async *asyncGenerator(): AsyncGenerator<number> {
    yield 1;
  }

  get accessor(): number {
    return this.method.length;
  }

  set writable(_value: number) {
    // Only its being an accessor matters.
  }
}

describe.each([
  { decorator: '@WithLock', lock: withLock },
  { decorator: '@UseLock', lock: useLock },
])('$decorator on a member that it cannot guard', ({ decorator, lock }) => {
  it.each([
    { key: 'generator', why: 'it is a generator' },
    { key: 'asyncGenerator', why: 'it is a generator' },
    { key: 'accessor', why: 'it is an accessor' },
    { key: 'writable', why: 'it is an accessor' },
    { key: 'property', why: 'it is a property' },
  ])('rejects $key', ({ key, why }) => {
    const refuse = () => decorate(lock('name'), Target.prototype, key);

    expect(refuse).toThrow(LockConfigError);
    expect(refuse).toThrow(`${decorator} cannot be put on Target.${key}: ${why}`);
  });

  it('rejects a static method', () => {
    const refuse = () => decorate(lock('name'), Target, 'ofTheClass');

    expect(refuse).toThrow(LockConfigError);
    expect(refuse).toThrow('it is static');
  });

  it('fails without experimentalDecorators', () => {
    const context = { kind: 'method', name: 'method' };
    const refuse = () => (lock('name') as unknown as (...args: unknown[]) => void)(Target.prototype.method, context);

    expect(refuse).toThrow(LockConfigError);
    expect(refuse).toThrow('experimentalDecorators');
  });

  it.each([
    { options: { wait: -1 }, message: '"wait" must be' },
    { options: { wait: NaN }, message: '"wait" must be' },
    { options: { lease: 0 }, message: '"lease" must be' },
    { options: { lease: '10s' }, message: '"lease" must be' },
    { options: { holdAtLeast: 0.5 }, message: '"holdAtLeast" must be' },
    { options: { signal: {} }, message: '"signal" must be' },
    { options: { signal: () => undefined }, message: '"signal" must be' },
    { options: { renew: () => false }, message: '"renew" must be true or false' },
    { options: { wait: () => 5, lease: 0 }, message: '"lease" must be' },
    { options: { wait: () => 5, wiat: 5 }, message: 'has no option "wiat"' },
    { options: { leaseMs: 5 }, message: '"leaseMs" is replaced by "lease"' },
    { options: { onBusy: 'ignore' }, message: '"onBusy" must be' },
    { options: { onBusy: 1 }, message: '"onBusy" must be' },
    { options: { connection: '' }, message: '"connection" must be' },
    { options: { connection: 1 }, message: '"connection" must be' },
    { options: { ttl: 1 }, message: 'no option "ttl"' },
    { options: null, message: 'must be an object' },
    { options: 'x', message: 'must be an object' },
  ])('rejects the options $options', ({ options, message }) => {
    const refuse = () => lock('name', options);

    expect(refuse).toThrow(LockConfigError);
    expect(refuse).toThrow(message);
  });

  it.each([
    { name: '' },
    { name: 'a:<' },
    { name: 'a:<>' },
    { name: 'a:<0..id>' },
    { name: 1 },
    { name: null },
    { name: [] },
    { name: ['a', '<'] },
    { name: 'a:\ud800' },
  ])('rejects the template $name', ({ name }) => {
    expect(() => lock(name)).toThrow(LockNameError);
  });
});

describe('@WithLock', () => {
  it('rejects a class', () => {
    expect(() => (withLock('name') as unknown as ClassDecorator)(Target)).toThrow(LockConfigError);
  });

  it.each(['<id>', '<params.id>', '<-1>', '<this>'])('rejects the placeholder %s', (name) => {
    expect(() => WithLock(name)).toThrow(LockNameError);
  });

  it('rejects another value of "returns"', () => {
    expect(() => WithLock('a', { returns: 'promise' } as unknown as WithLockOptions)).toThrow('"returns" must be');
  });

  it('keeps name, length and metadata of the method', () => {
    const marked = Symbol('marked');

    class Marked {
      @SetMetadata('above', 1)
      @WithLock('a:<0>')
      @SetMetadata('below', 2)
      @SetMetadata(marked, 3)
      async method(_one: string, _two: number): Promise<string> {
        return '';
      }

      @WithLock('b')
      async [marked](): Promise<void> {}
    }
    const { method } = Marked.prototype;

    expect({ name: method.name, length: method.length }).toEqual({ name: 'method', length: 2 });
    expect(Marked.prototype[marked].name).toBe('[marked]');
    expect(['above', 'below', marked].map((key) => Reflect.getMetadata(key, method))).toEqual([1, 2, 3]);
    expect(Reflect.getMetadata('design:returntype', Marked.prototype, 'method')).toBe(Promise);
    expect(Reflect.getMetadata('design:paramtypes', Marked.prototype, 'method')).toEqual([String, Number]);
  });
});

describe('@UseLock', () => {
  it.each(['<0>', '<id>', '<request.id>'])('rejects the placeholder %s', (name) => {
    expect(() => UseLock(name)).toThrow(LockNameError);
    expect(() => UseLock(name)).toThrow('params, query, body, headers, user, ip, data, args');
  });

  it('rejects "returns", which an interceptor does not need', () => {
    expect(() => useLock('a', { returns: 'observable' })).toThrow('no option "returns"');
  });
});
