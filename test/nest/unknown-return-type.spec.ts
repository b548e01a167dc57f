import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { currentLease, LockConfigError, LockService, RedisLockModule, WithLock } from 'nestjs-redis-lock';
import { firstValueFrom, lastValueFrom, of, Subject, switchMap, type Observable } from 'rxjs';
import { waitUntil } from '../support/wait-until.js';

@Injectable()
class Feed {
  calls = 0;
  subscriptions = 0;
  readonly end = new Subject<void>();

  // The type is imported by "import type", so the compiler records no more than Object.
  @WithLock('feed')
  events(): Observable<string> {
    this.calls++;
    return of(currentLease()?.name ?? 'no lock');
  }

  @WithLock('feed')
  promise() {
    return Promise.resolve(currentLease()?.name);
  }

  @WithLock('feed')
  failing() {
    return Promise.reject(new TypeError('broken'));
  }

  @WithLock('feed', { returns: 'observable' })
  slowPromise() {
    return firstValueFrom(this.end);
  }

  @WithLock('feed', { returns: 'observable' })
  failingPromise() {
    return Promise.reject(new TypeError('broken'));
  }
}

describe('@WithLock on a method whose return type is not known', () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => unhandled.push(error);
  let app: INestApplicationContext;
  let feed: Feed;

  beforeEach(async () => {
    unhandled.length = 0;
    process.on('unhandledRejection', onUnhandled);
    const imports = [RedisLockModule.forRoot({ memory: true })];
    const module = await Test.createTestingModule({ imports, providers: [Feed] }).compile();
    app = await module.init();
    feed = app.get(Feed);
  });

  afterEach(async () => {
    process.off('unhandledRejection', onUnhandled);
    await app.close();
  });

  const settled = () => waitUntil('the lock is free', () => app.get(LockService).stats().held === 0);
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

  it.each<[string, (events: Observable<string>) => unknown]>([
    ['subscribe', (events) => events.subscribe()],
    ['pipe', (events) => events.pipe()],
    ['firstValueFrom', (events) => firstValueFrom(events)],
    ['lastValueFrom', (events) => lastValueFrom(events)],
    ['switchMap', (events) => lastValueFrom(of(1).pipe(switchMap(() => events)))],
    ['await', (events) => Promise.resolve(events as unknown)],
  ])('gives the caller of an Observable an error that names the option: %s', async (_how, use) => {
    const failure = await (async () => use(feed.events()))().catch((error: unknown) => error);
    await waitUntil('the method has run', () => feed.calls === 1);
    await settled();
    await nextTurn();

    expect(failure).toBeInstanceOf(LockConfigError);
    expect((failure as Error).message).toContain("returns: 'observable'");
    expect(unhandled).toEqual([]);
  });

  it('leaves no rejection unhandled if the Observable is not used', async () => {
    feed.events();
    await waitUntil('the method has run', () => feed.calls === 1);
    await settled();
    await nextTurn();

    expect(unhandled).toEqual([]);
  });

  it('passes on the result or the error of a promise', async () => {
    expect(await feed.promise()).toBe('feed');
    await expect(feed.failing()).rejects.toThrow(new TypeError('broken'));
  });

  it('keeps the lock while a promise that was declared as an Observable is pending', async () => {
    const stream = feed.slowPromise() as unknown as Observable<void>;
    const failed = lastValueFrom(stream).catch((error: unknown) => error);
    await waitUntil('the promise runs', () => feed.end.observed);
    await nextTurn();

    const held = app.get(LockService).stats().held;
    feed.end.next();

    expect(held).toBe(1);
    expect(await failed).toBeInstanceOf(LockConfigError);
  });

  it('keeps the error of a promise that was declared as an Observable as the cause', async () => {
    const stream = feed.failingPromise() as unknown as Observable<void>;
    const failure = await lastValueFrom(stream).catch((error: unknown) => error);
    await nextTurn();

    expect(failure).toMatchObject({ code: 'LOCK_CONFIG', cause: new TypeError('broken') });
    expect(unhandled).toEqual([]);
  });

  it('rejects an async method that is declared to return an Observable when the class is loaded', () => {
    const declare = () => {
      class Wrong {
        @WithLock('feed', { returns: 'observable' })
        async events(): Promise<void> {}
      }
      return Wrong;
    };

    expect(declare).toThrow(LockConfigError);
    expect(declare).toThrow('Wrong.events is async and returns a promise');
  });
});
