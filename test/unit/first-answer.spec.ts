import { describe, expect, it } from '@jest/globals';
import { LockUnavailableError } from 'nestjs-redis-lock';
import type { Hold } from '../../lib/holds/hold.js';
import type { AcquireReply, LockStore } from '../../lib/stores/lock-store.js';
import { CleanUps } from '../../lib/stores/clean-ups.js';
import { Deadlines } from '../../lib/time/deadlines.js';
import { AcquireLoop } from '../../lib/waiting/acquire-loop.js';
import { Waiter } from '../../lib/waiting/waiter.js';
import { waitRequest } from './wait-request.js';

const LEASE_MS = 1_000;
const lost = new LockUnavailableError('no answer', undefined, { retryable: true, outcomeUnknown: true });
const refused = new LockUnavailableError('no right', undefined, { retryable: false, outcomeUnknown: false });
const taken = (ageMs: number): AcquireReply => {
  return { taken: true, token: 7, sentAt: { mono: performance.now() - ageMs, wall: Date.now() - ageMs } };
};

/** Lets the acquire loop get `answer` to its first request, while the caller still waits or after it has left. */
async function acquire(answer: AcquireReply | LockUnavailableError, leaves: boolean) {
  const released: string[] = [];
  const store = {
    acquire: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
    release: (_name: string, owner: string) => {
      released.push(owner);
      return Promise.resolve({ held: true, listeners: 0 });
    },
  } as Pick<LockStore, 'acquire' | 'release'> as LockStore;
  const waitersQueue = { name: 'a', timeouts: new Deadlines(), leave: () => undefined, onExpired: () => undefined };
  let first: Waiter | null = new Waiter(waitRequest({ leaseMs: LEASE_MS }), waitersQueue, () => undefined);
  const troubles: string[] = [];
  const cleanUps = new CleanUps(store);
  let hold: Hold | null = null;
  const waiters = {
    name: 'a',
    get first() {
      return first;
    },
    onBusy: () => undefined,
    onSplit: () => undefined,
    onTrouble: ({ message }: Error) => {
      troubles.push(message);
      first = null;
    },
  };
  const queue = {
    get firstToAcquire() {
      return first;
    },
    hasOneLoop: true,
    isSurplus: () => false,
    onAcquired: (acquired: Hold | null) => (hold = acquired),
    onDefect: (error: unknown) => {
      throw error;
    },
  };
  const ended = new AcquireLoop(queue, waiters, store, cleanUps, () => 'owner', 1, null).run();
  if (leaves) first = null;
  await ended;
  await cleanUps.close();
  return { hold, released, troubles: troubles.length };
}

describe('the first reply to an acquire', () => {
  it('is a hold', async () => {
    const { hold, released } = await acquire(taken(0), false);
    expect(hold).toMatchObject({ name: 'a', owner: 'owner', token: 7, leaseMs: LEASE_MS });
    expect(released).toEqual([]);
  });

  it('is a hold even if no caller waits for it any more, so that the queue releases it', async () => {
    const { hold, released } = await acquire(taken(0), true);
    expect(hold).toMatchObject({ owner: 'owner', token: 7 });
    expect(released).toEqual([]);
  });

  it.each([true, false])(
    'is released if it arrived after the end of the lease (the caller has left: %s)',
    async (leaves) => {
      expect(await acquire(taken(LEASE_MS), leaves)).toEqual({ hold: null, released: ['owner'], troubles: 1 });
    },
  );

  it.each([true, false])('is cleaned up if it was lost (the caller has left: %s)', async (leaves) => {
    expect(await acquire(lost, leaves)).toEqual({ hold: null, released: ['owner'], troubles: 1 });
  });

  it.each([true, false])('needs no clean-up if it was a refusal (the caller has left: %s)', async (leaves) => {
    expect(await acquire(refused, leaves)).toEqual({ hold: null, released: [], troubles: 1 });
  });
});
