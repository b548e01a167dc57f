import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { currentLease, LockConfigError, LockService, WithLock } from 'nestjs-redis-lock';
import {
  concat,
  EMPTY,
  firstValueFrom,
  lastValueFrom,
  map,
  Observable,
  of,
  Subject,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { waitUntil } from '../support/wait-until.js';
import { lockModule } from './helpers/lock-module.js';

/** Other names for an Observable are not what the compiler records. */
type Strings = Observable<string> & object;

const giveUp = new AbortController();

@Injectable()
class Feed {
  readonly source = new Subject<string>();
  calls = 0;
  teardowns = 0;

  @WithLock('feed')
  events(): Observable<string> {
    this.calls++;
    return new Observable((subscriber) => {
      const subscription = this.source.subscribe(subscriber);
      return () => {
        this.teardowns++;
        subscription.unsubscribe();
      };
    });
  }

  @WithLock('feed')
  leaseNames(): Observable<string> {
    return of(1, 2).pipe(map((n) => `${n} under ${currentLease()?.name ?? 'no lock'}`));
  }

  @WithLock('feed')
  endless(): Observable<number> {
    return new Observable((subscriber) => {
      for (let n = 0; !subscriber.closed; n++) subscriber.next(n);
    });
  }

  @WithLock('feed')
  nothing(): Observable<number> {
    return EMPTY;
  }

  @WithLock('feed')
  failing(): Observable<number> {
    return concat(
      of(1),
      throwError(() => new TypeError('broken')),
    );
  }

  @WithLock('feed')
  throwing(): Observable<number> {
    throw new RangeError('thrown');
  }

  @WithLock<[string]>((name) => name)
  nameless(_name: string): Observable<number> {
    return of(1);
  }

  @WithLock('feed', { signal: giveUp.signal })
  withSignal(): Observable<number> {
    return of(1);
  }

  @WithLock('feed', { wait: 0, onBusy: 'skip' })
  skipping(): Observable<number | undefined> {
    return of(1);
  }

  @WithLock('feed', { wait: 0, onBusy: () => of('busy', 'still') })
  answering(): Observable<string> {
    return of('free');
  }

  @WithLock('feed', { returns: 'observable' })
  declared(): Strings {
    return of(currentLease()!.name);
  }

  @WithLock('feed')
  undeclared(): Strings {
    return of('without a lock');
  }

  @WithLock('feed')
  async later(): Promise<Observable<string>> {
    return of('without a lock');
  }

  // What a compiler without types would let pass.
  @WithLock('feed')
  wrong(): Observable<string> {
    return Promise.resolve('a promise') as unknown as Observable<string>;
  }
}

describe('@WithLock on a method that returns an Observable', () => {
  let app: INestApplicationContext;
  let feed: Feed;
  let locks: LockService;

  beforeEach(async () => {
    const module = await Test.createTestingModule({ imports: [lockModule()], providers: [Feed] }).compile();
    app = await module.init();
    feed = app.get(Feed);
    locks = app.get(LockService);
  });

  afterEach(async () => {
    await app.close();
  });

  const isHeld = async () => (await locks.inspect('feed')).held;
  const untilFree = () => waitUntil('the lock is free', async () => !(await isHeld()));

  it('does nothing before it is subscribed to, and calls the method for each subscription', async () => {
    const events = feed.events();
    const before = { calls: feed.calls, held: await isHeld() };

    const seen: string[] = [];
    for (const event of ['one', 'two']) {
      const first = firstValueFrom(events);
      await waitUntil('it listens', () => feed.source.observed);
      feed.source.next(event);
      seen.push(await first);
    }

    expect(seen).toEqual(['one', 'two']);
    expect(before).toEqual({ calls: 0, held: false });
    expect(feed.calls).toBe(2);
  });

  it('holds the lock until the stream completes, and releases it before the subscriber is notified', async () => {
    const seen: unknown[] = [];
    const complete = new Promise<void>((resolve) => {
      feed.events().subscribe({ next: (event) => seen.push(event), complete: resolve });
    }).then(() => locks.stats().held);
    await waitUntil('it listens', () => feed.source.observed);

    feed.source.next('one');
    const during = await isHeld();
    feed.source.complete();

    expect(await complete).toBe(0);
    expect([during, await isHeld()]).toEqual([true, false]);
    expect(seen).toEqual(['one']);
  });

  it('passes on the values and the same error object, and releases the lock', async () => {
    const seen: unknown[] = [];
    const failed = lastValueFrom(feed.failing().pipe(map((n) => seen.push(n))));

    await expect(failed).rejects.toThrow(new TypeError('broken'));
    await expect(lastValueFrom(feed.throwing())).rejects.toThrow(new RangeError('thrown'));
    expect(seen).toEqual([1]);
    expect(await isHeld()).toBe(false);
  });

  it('releases the lock on unsubscription, after the teardown of the stream', async () => {
    const subscription = feed.events().subscribe();
    await waitUntil('it listens', () => feed.source.observed);

    const during = locks.stats().held;
    subscription.unsubscribe();
    const tornDown = feed.teardowns;
    await untilFree();

    expect([during, tornDown]).toEqual([1, 1]);
    expect(locks.stats()).toMatchObject({ held: 0, waiting: 0 });
  });

  it('ends an endless stream when the subscriber unsubscribes', async () => {
    expect(await lastValueFrom(feed.endless().pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    await untilFree();
  });

  it('stops waiting for the lock when it is unsubscribed from', async () => {
    await using held = await locks.acquire('feed');
    const errors: unknown[] = [];
    const subscription = feed.events().subscribe({ error: (error) => errors.push(error) });
    await waitUntil('it waits', () => locks.stats().waiting === 1);

    subscription.unsubscribe();
    await waitUntil('nobody waits', () => locks.stats().waiting === 0);
    await held.release();

    expect(feed.calls).toBe(0);
    expect(errors).toEqual([]);
    expect(await isHeld()).toBe(false);
  });

  it('stops waiting when the signal of its options aborts', async () => {
    await using _held = await locks.acquire('feed');
    const failed = lastValueFrom(feed.withSignal());
    const waiting = expect(failed).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
    await waitUntil('it waits', () => locks.stats().waiting === 1);

    giveUp.abort();

    await waiting;
  });

  it('runs under the lease, but the subscriber outside of it', async () => {
    const outside: (string | undefined)[] = [];
    const inside = await lastValueFrom(
      feed.leaseNames().pipe(
        map((name) => (outside.push(currentLease()?.name), name)),
        toArray(),
      ),
    );

    expect(inside).toEqual(['1 under feed', '2 under feed']);
    expect(outside).toEqual([undefined, undefined]);
  });

  it('completes without a value if the stream does', async () => {
    expect(await lastValueFrom(feed.nothing().pipe(toArray()))).toEqual([]);
  });

  it('fails with LockNameError if no name can be created', async () => {
    await expect(lastValueFrom(feed.nameless(''))).rejects.toMatchObject({ code: 'LOCK_NAME' });
  });

  it('emits undefined with onBusy: skip, and the values of a stream that onBusy returns', async () => {
    await using _held = await locks.acquire('feed');

    expect(await lastValueFrom(feed.skipping().pipe(toArray()))).toEqual([undefined]);
    expect(await lastValueFrom(feed.answering().pipe(toArray()))).toEqual(['busy', 'still']);
  });

  it('is held for the stream with returns: observable', async () => {
    expect(await firstValueFrom(feed.declared())).toBe('feed');
  });

  it.each(['undeclared', 'later'] as const)(
    'rejects an undeclared Observable, and names the option: %s',
    async (method) => {
      const refusal = await Promise.resolve(feed[method]() as unknown).catch((error: unknown) => error);

      expect(refusal).toBeInstanceOf(LockConfigError);
      expect((refusal as Error).message).toContain("returns: 'observable'");
      expect(await isHeld()).toBe(false);
    },
  );

  it('rejects any other result if an Observable is declared', async () => {
    await expect(lastValueFrom(feed.wrong())).rejects.toThrow(
      'is declared to return an Observable, but returned a promise',
    );
    expect(await isHeld()).toBe(false);
  });

  it('fails on an instance that was created outside of the app', async () => {
    const made = new Feed();

    await expect(lastValueFrom(made.events())).rejects.toThrow(LockConfigError);
    expect(made.calls).toBe(0);
  });

  it('is released when the app closes while a subscriber is active', async () => {
    const subscription = feed.events().subscribe();
    await waitUntil('it listens', () => feed.source.observed);

    const during = locks.stats().held;
    const closing = app.close();
    subscription.unsubscribe();
    await closing;

    expect([during, locks.stats().held]).toEqual([1, 0]);
  });
});
