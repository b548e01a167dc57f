import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { WithLock } from 'nestjs-redis-lock';
import { createTestLockService, withLocks, type TestLockService } from 'nestjs-redis-lock/testing';

class Payments {
  readonly paid: string[] = [];

  @WithLock('order:<0>', { onBusy: 'skip' })
  async pay(order: string): Promise<boolean | undefined> {
    this.paid.push(order);
    return true;
  }
}

let locks: TestLockService;
let payments: Payments;

beforeEach(() => {
  locks = createTestLockService();
  payments = withLocks(new Payments(), locks);
});
afterEach(() => locks.close());

it('pays an order', async () => {
  expect(await payments.pay('1')).toBe(true);
  expect(payments.paid).toEqual(['1']);
});

it('skips an order that another process pays', async () => {
  locks.makeBusy('order:1');
  expect(await payments.pay('1')).toBeUndefined();
  expect(payments.paid).toEqual([]);
});

it('does not pay without Redis', async () => {
  locks.makeUnavailable();
  await expect(payments.pay('1')).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  expect(payments.paid).toEqual([]);
});
