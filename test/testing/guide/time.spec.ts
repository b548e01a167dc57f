import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createTestLockService, type TestLockService } from 'nestjs-redis-lock/testing';

let locks: TestLockService;
let other: TestLockService;

beforeEach(() => {
  locks = createTestLockService();
  other = locks.replica();
});
afterEach(async () => {
  await other.close();
  await locks.close();
});

it('gets the lock when the other replica releases it', async () => {
  const held = await other.acquire('report');
  const waiting = locks.acquire('report', { wait: 60_000 });
  await locks.advanceTime(50_000);
  expect(locks.waiting()).toEqual([{ name: 'report', waiting: 1 }]);
  await held.release();
  await using lease = await waiting;
  expect(lease.remaining()).toBeGreaterThan(0);
});

it('gets the lock of a replica that has died', async () => {
  await other.acquire('report', { lease: 30_000, renew: false });
  const waiting = locks.acquire('report', { wait: 60_000 });
  await locks.advanceTime(31_000);
  await using lease = await waiting;
  expect(lease.token).toBeGreaterThan(0);
});
