import { expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { LockService } from 'nestjs-redis-lock';
import { createTestLockService } from 'nestjs-redis-lock/testing';

class Import {
  readonly rows: number[] = [];

  constructor(private readonly locks: LockService) {}

  run(): Promise<void> {
    return this.locks.withLock('import', async ({ signal }) => {
      for (let row = 0; ; row += 1) {
        signal.throwIfAborted();
        this.rows.push(row);
        await setImmediate();
      }
    });
  }
}

it('stops when it loses its lock', async () => {
  await using locks = createTestLockService();
  const stopped = expect(new Import(locks).run()).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'taken' });
  await locks.loseLock('import');
  await stopped;
});
