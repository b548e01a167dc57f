import { getEventListeners } from 'node:events';
import v8 from 'node:v8';
import vm from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLockService, currentLease, type Lease, type LockService } from 'nestjs-redis-lock';
import { firstValueFrom, of } from 'rxjs';
import { streamUnderLock } from '../../lib/decorators/under-lock.js';
import { planOf } from '../../lib/decorators/decorator-options.js';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;

async function untilCollected(ref: WeakRef<object>): Promise<boolean> {
  for (let tries = 0; tries < 20 && ref.deref() !== undefined; tries += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return ref.deref() === undefined;
}

/** How many signals follow `signal` by `AbortSignal.any`. */
function followers(signal: AbortSignal): number {
  const key = Object.getOwnPropertySymbols(signal).find(({ description }) => description === 'kDependantSignals');
  const set: unknown = key === undefined ? undefined : Reflect.get(signal, key);
  return set instanceof Object && 'size' in set ? Number(set.size) : 0;
}

let locks: LockService;
beforeEach(() => {
  locks = createLockService({ memory: true });
});
afterEach(() => locks.close());

describe('a section that has ended', () => {
  it('is not kept in memory by a loop whose iterations each start the next one', async () => {
    let first: WeakRef<Lease> | undefined;
    const kept = await new Promise<boolean>((resolve, reject) => {
      let left = 100;
      const round = (): void => {
        locks
          .withLock('poll', async (lease) => {
            first ??= new WeakRef(lease);
            left -= 1;
            if (left > 0) setImmediate(round);
            else resolve(!(await untilCollected(first)));
          })
          .catch(reject);
      };
      round();
    });
    expect(kept).toBe(false);
  });

  it('is not kept in memory by a loop whose iterations overlap', async () => {
    let first: WeakRef<Lease> | undefined;
    const kept = await new Promise<boolean>((resolve, reject) => {
      let left = 100;
      const round = (done: () => void): void => {
        locks
          .withLock(
            `round-${String(left % 7)}`,
            async (lease) => {
              first ??= new WeakRef(lease);
              left -= 1;
              // The round before ends only when this one has begun.
              done();
              if (left > 0) await new Promise<void>(round);
              else resolve(!(await untilCollected(first)));
            },
            { nested: 'wait' },
          )
          .catch(reject);
      };
      round(() => undefined);
    });
    expect(kept).toBe(false);
  });

  it('is not joined by code that it started, which acquires the lock again', async () => {
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve));
    let behind: Promise<unknown> = Promise.resolve();
    await locks.withLock('outer', async () => {
      await locks.withLock('inner', async () => {
        behind = left.then(async () => {
          expect(currentLease('inner')).toBeUndefined();
          expect(currentLease()?.name).toBe('outer');
          return locks.tryAcquire('inner');
        });
      });
      await locks.withLock('inner', async () => {
        leave();
        expect(await behind).toBeNull();
      });
    });
    expect(currentLease()).toBeUndefined();
  });
});

describe('a signal that lives as long as the process', () => {
  it('keeps no reference to stream locks that were called with it', async () => {
    const { signal } = new AbortController();
    const call = {
      title: 'Test.stream',
      plan: planOf('stream', { signal }),
      args: [],
      request: () => ({ service: locks, names: 'stream', options: {} }),
      run: () => of(1),
    };
    for (let calls = 0; calls < 20; calls += 1) await firstValueFrom(streamUnderLock(call));
    await locks.withLock('stream', () => undefined);
    expect(followers(signal)).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('still cancels a waiting stream lock', async () => {
    const controller = new AbortController();
    const lease = await locks.acquire('stream');
    const call = {
      title: 'Test.stream',
      plan: planOf('stream', { signal: controller.signal }),
      args: [],
      request: () => ({ service: locks, names: 'stream', options: {} }),
      run: () => of(1),
    };
    const waiting = firstValueFrom(streamUnderLock(call)).catch((error: unknown) => error);
    controller.abort(new Error('no longer wanted'));
    expect(await waiting).toMatchObject({ code: 'LOCK_ABORTED', cause: { message: 'no longer wanted' } });
    await lease.release();
  });

  it('keeps no reference to several locks that joined the lease of a long section', async () => {
    await locks.withLock('long', async ({ signal }) => {
      for (let calls = 0; calls < 20; calls += 1) {
        await locks.withLock(['long', 'short'], ({ signal: both }) => both.aborted);
      }
      expect(followers(signal)).toBe(0);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });
  });
});
