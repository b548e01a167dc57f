import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connectLockService, LockUnavailableError, type Lease, type LockService } from 'nestjs-redis-lock';
import { TermRecord } from '../../lib/coordination/term-record.js';
import type { FiringStore } from '../../lib/stores/firing-store.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const DAY_MS = 86_400_000;

describe('the record of a term', () => {
  let locks: LockService;
  let lease: Lease;
  let name: string;
  const over = () => new AbortController();

  beforeEach(async () => {
    name = uniqueName('term');
    locks = await connectLockService({ url: testRedisUrl() });
    lease = await locks.acquire(name);
  });
  afterEach(async () => {
    jest.useRealTimers();
    await lease.release();
    await locks.close();
  });

  /** A store that counts what it is told, and fails as often as asked for. */
  const counting = (failures: number, retryable = true) => {
    const begun: string[] = [];
    let left = failures;
    const firings: FiringStore = {
      begin: (_name, { run }) => {
        begun.push(run);
        if (left === 0) return Promise.resolve(0);
        left -= 1;
        return Promise.reject(new LockUnavailableError('down', name, { retryable, outcomeUnknown: true }));
      },
      end: () => Promise.resolve(),
      read: () => Promise.resolve(null),
    };
    return { begun, record: new TermRecord(firings, name) };
  };

  it('is written again each day, since it is kept for 30 days only', async () => {
    // Otherwise it would be renewed thousands of times in these days.
    await lease.release();
    await locks.close();
    jest.useFakeTimers();
    const { begun, record } = counting(0);
    const end = over();
    const kept = record.keep(lease, end.signal);
    for (let day = 1; day <= 3; day += 1) {
      expect(begun).toHaveLength(day);
      await jest.advanceTimersByTimeAsync(DAY_MS);
    }
    end.abort();
    await kept;
    expect(new Set(begun).size).toBe(1);
    expect(begun).toHaveLength(4);
  });

  it('is kept longer by Redis when it is written again, and keeps its beginning', async () => {
    const redis = redisClient();
    const key = `lock_firing:{lock:${name}}`;
    const write = async () => {
      const end = over();
      const kept = new TermRecord(locks.firings!, name).keep(lease, end.signal);
      await waitUntil('it is written', async () => (await redis.pttl(key)) > DAY_MS);
      end.abort();
      await kept;
    };
    await write();
    const first = await redis.hget(key, 'startedAt');
    await redis.pexpire(key, 60_000);
    await write();
    expect(await redis.hget(key, 'startedAt')).toBe(first);
    redis.disconnect();
  });

  it('is tried again while Redis cannot be reached, and not without the permission', async () => {
    const end = over();
    const passing = counting(2);
    const kept = passing.record.keep(lease, end.signal);
    await waitUntil('it is written', () => passing.begun.length === 3);
    end.abort();
    await kept;
    const denied = counting(1, false);
    await denied.record.keep(lease, over().signal);
    expect(denied.begun).toHaveLength(1);
  });

  it('ends with its term, also if that ends while it is written', async () => {
    const end = over();
    const { record } = counting(0);
    const kept = record.keep(lease, end.signal);
    end.abort();
    await kept;
  });
});
