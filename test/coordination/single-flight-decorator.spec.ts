import KeyvRedis from '@keyv/redis';
import { describe, expect, it } from '@jest/globals';
import { CacheModule } from '@nestjs/cache-manager';
import { Injectable, Scope, SetMetadata, type INestApplicationContext, type ModuleMetadata } from '@nestjs/common';
import { ContextIdFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { Keyv } from 'keyv';
import { setTimeout as sleep } from 'node:timers/promises';
import { Observable, of } from 'rxjs';
import {
  currentLease,
  LockConfigError,
  LockNameError,
  LockService,
  MemoryState,
  RedisLockModule,
  SingleFlight,
  SingleFlightCache,
  type FlightCache,
} from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';

const TTL = 60_000;
let queries = 0;

@Injectable()
class Catalog {
  @SingleFlight('catalog:<0>', { ttl: TTL })
  async read(section: string): Promise<string> {
    queries += 1;
    await sleep(20);
    return `${section} ${String(queries)} under ${String(currentLease()?.name)}`;
  }
}

/** An app with a cache of its own. */
async function open(
  providers: NonNullable<ModuleMetadata['providers']>,
  imports: NonNullable<ModuleMetadata['imports']> = [CacheModule.register({ isGlobal: true })],
  memory = new MemoryState(),
): Promise<INestApplicationContext & AsyncDisposable> {
  const locks = RedisLockModule.forRoot({ memory });
  const app = await Test.createTestingModule({ imports: [locks, ...imports], providers }).compile();
  await app.init();
  return Object.assign(app, { [Symbol.asyncDispose]: () => app.close() });
}

describe('@SingleFlight', () => {
  it('runs the method once for all callers, and returns the cached result later', async () => {
    queries = 0;
    await using app = await open([Catalog]);
    const catalog = app.get(Catalog);
    const results = await Promise.all(Array.from({ length: 20 }, () => catalog.read('shoes')));
    expect(new Set(results)).toEqual(new Set(['shoes 1 under catalog:shoes']));
    expect(await catalog.read('shoes')).toBe(results[0]);
    expect(await catalog.read('hats')).toBe('hats 2 under catalog:hats');
  });

  it('runs it once for several apps that share the cache of CacheModule on Redis', async () => {
    queries = 0;
    const memory = new MemoryState();
    const namespace = uniqueName('catalog');
    const cache = () =>
      CacheModule.registerAsync({
        isGlobal: true,
        useFactory: () => ({ stores: [new Keyv({ store: new KeyvRedis(testRedisUrl()), namespace })] }),
      });
    await using first = await open([Catalog], [cache()], memory);
    await using second = await open([Catalog], [cache()], memory);
    const results = await Promise.all([first, second].map((app) => app.get(Catalog).read('shoes')));
    expect(results[0]).toBe(results[1]);
    expect(queries).toBe(1);
    const flight = new SingleFlightCache(second.get(LockService), second.get('CACHE_MANAGER'), { ttl: TTL });
    await flight.delete('catalog:shoes');
    expect(await first.get(Catalog).read('shoes')).toBe('shoes 2 under catalog:shoes');
  });

  it('uses the cache that the instance names, values of the instance, and a function as the key', async () => {
    class Prices {
      readonly keyv = new Keyv();
      calls = 0;
      constructor(readonly ttl: unknown) {}

      @SingleFlight<[{ id: string }], Prices>(
        function ({ id }) {
          return `price:${id}:${String(this.calls > 0)}`;
        },
        { ttl: (self) => self.ttl as number, cache: (self) => self.keyv },
      )
      async of(_item: { id: string }): Promise<number> {
        await sleep(1);
        return (this.calls += 1);
      }
    }
    const provide = (ttl: unknown) => ({ provide: Prices, useFactory: () => new Prices(ttl) });
    await using app = await open([provide(TTL)], []);
    const prices = app.get(Prices);
    expect(await prices.of({ id: 'a' })).toBe(1);
    expect(await prices.of({ id: 'a' })).toBe(2);
    expect(await prices.of({ id: 'a' })).toBe(2);
    for (const ttl of [undefined, 'long', 0]) {
      await using bad = await open([provide(ttl)], []);
      await expect(bad.get(Prices).of({ id: 'a' })).rejects.toThrow('"ttl"');
      await expect(bad.get(Prices).of({ id: 'a' })).rejects.toThrow(LockConfigError);
    }
  });

  it('shares one run between instances, for example of a request-scoped provider', async () => {
    let runs = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Report {
      @SingleFlight('report', { ttl: TTL })
      async build(): Promise<number> {
        await sleep(20);
        return (runs += 1);
      }
    }
    await using app = await open([Report]);
    const instances = await Promise.all([1, 2].map(() => app.resolve(Report, ContextIdFactory.create())));
    expect(instances[0]).not.toBe(instances[1]);
    expect(await Promise.all(instances.map((each) => each.build()))).toEqual([1, 1]);
  });

  it('keeps the metadata, the name and the length of the method, and is inherited', async () => {
    class Base {
      @SingleFlight('base:<0>', { ttl: TTL })
      @SetMetadata('route', '/base')
      async load(id: string): Promise<string> {
        return Promise.resolve(`${id} of ${this.constructor.name}`);
      }
    }
    @Injectable()
    class Derived extends Base {}
    await using app = await open([Derived]);
    expect(await app.get(Derived).load('a')).toBe('a of Derived');
    const { load } = Base.prototype;
    expect([load.name, load.length, Reflect.getMetadata('route', load)]).toEqual(['load', 1, '/base']);
  });

  it('rejects an argument that cannot be part of a key, and does not run', async () => {
    queries = 0;
    await using app = await open([Catalog]);
    await expect(app.get(Catalog).read(undefined as never)).rejects.toBeInstanceOf(LockNameError);
    expect(queries).toBe(0);
  });

  it('makes start-up fail if there is no cache', async () => {
    await expect(open([Catalog], [])).rejects.toThrow('CACHE_MANAGER');
  });

  it('rejects the call of an instance that has no cache', async () => {
    await using app = await open([{ provide: Catalog, useValue: new Catalog() }]);
    await expect(app.get(Catalog).read('shoes')).rejects.toThrow('its instance has no cache');
    await expect(new Catalog().read('shoes')).rejects.toThrow(LockConfigError);
  });

  it.each([
    { what: 'no options', name: 'a', options: undefined },
    { what: 'no ttl', name: 'a', options: {} },
    { what: 'an unknown option', name: 'a', options: { ttl: 5, onBusy: 'skip' } },
    { what: 'a refreshAhead that is too long', name: 'a', options: { ttl: 5, refreshAhead: 10 } },
    { what: 'an unknown option that is a function', name: 'a', options: { ttl: 5, grace: () => 5 } },
    { what: 'a cache that is no function', name: 'a', options: { ttl: 5, cache: new Map() } },
    { what: 'a signal', name: 'a', options: { ttl: 5, signal: new AbortController().signal } },
  ])('rejects $what when the class is loaded', ({ name, options }) => {
    expect(() => SingleFlight(name, options as never)).toThrow(LockConfigError);
  });

  it('rejects a template that cannot be used, and methods whose result cannot be cached', () => {
    expect(() => SingleFlight('catalog:{0}', { ttl: 5 })).toThrow(LockNameError);
    const decorate = (method: (...args: never[]) => unknown): unknown =>
      SingleFlight('a', { ttl: 5 })({}, 'method', { value: method } as never);
    expect(() => decorate(function* () {})).toThrow(LockConfigError);
    expect(() => {
      class Streams {
        // @ts-expect-error the result must be a promise
        @SingleFlight('a', { ttl: 5 })
        stream(): Observable<number> {
          return of(1);
        }
      }
      return Streams;
    }).toThrow(LockConfigError);
  });

  it('rejects a call whose method returns an Observable all the same', async () => {
    class Streams {
      constructor(readonly cache: FlightCache) {}
      @SingleFlight('stream', { ttl: 5, cache: (self: Streams) => self.cache })
      async stream(): Promise<unknown> {
        return of(1);
      }
    }
    await using app = await open([{ provide: Streams, useFactory: () => new Streams(new Keyv()) }], []);
    await expect(app.get(Streams).stream()).rejects.toThrow('Observable');
  });

  it('has types that fit the method', () => {
    class Types {
      @SingleFlight((id: string) => id, { ttl: 5, cache: () => new Map() })
      async ok(id: string): Promise<string> {
        return Promise.resolve(id);
      }
      // @ts-expect-error the argument of the function is not that of the method
      @SingleFlight((id: string) => id, { ttl: 5 })
      async wrong(id: number): Promise<number> {
        return Promise.resolve(id);
      }
    }
    expect(Types).toBeDefined();
  });
});
