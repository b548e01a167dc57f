import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { WithLock } from 'nestjs-redis-lock';
import { createTestLockService, withLocks } from 'nestjs-redis-lock/testing';

class Reminder {
  @WithLock('reminder', { wait: 20_000 })
  async send(): Promise<string> {
    return new Date().toISOString();
  }
}

beforeEach(() => {
  jest.useFakeTimers({ now: new Date('2030-01-01T00:00:00Z') });
});
afterEach(() => {
  jest.useRealTimers();
});

it('sends a reminder with the date of the test, after a busy lock', async () => {
  await using locks = createTestLockService();
  const reminder = withLocks(new Reminder(), locks);
  locks.makeBusy('reminder', { times: 1 });
  await expect(reminder.send()).rejects.toMatchObject({ code: 'LOCK_BUSY' });
  expect(await reminder.send()).toBe('2030-01-01T00:00:00.000Z');
});
