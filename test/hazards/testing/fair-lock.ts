import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type AcquireOptions, type LockService } from 'nestjs-redis-lock';
import { deadlinesKey, lockKey, placesKey, queueKey } from '../../support/lock-keys.js';
import { RedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { untilIdle } from '../../support/until-idle.js';
import { waitUntil } from '../../support/wait-until.js';

export const FAIR: AcquireOptions = { mode: 'fair', wait: 60_000 };
/** How long a waiter keeps its place after its last request, in ms. */
export const PLACE_MS = 5_000;
/** A waiter sends its next request after this time at the latest, if no notification comes, in ms. */
export const RECHECK_MS = 3_000;
/** What a busy machine adds, in ms. */
export const SLACK_MS = 5_000;

/** A fair lock on a server of its own, two services that use it, and the order in which callers were served. */
export class FairLock {
  name = '';
  order: string[] = [];
  private inside = 0;

  private constructor(
    readonly server: RedisServer,
    readonly admin: Redis,
    readonly here: LockService,
    readonly there: LockService,
  ) {}

  static async start(): Promise<FairLock> {
    const server = await RedisServer.start();
    const [here, there] = [
      await connectLockService({ url: server.url }),
      await connectLockService({ url: server.url }),
    ];
    return new FairLock(server, server.client(), here, there);
  }

  async stop(): Promise<void> {
    await Promise.all([this.here.close(), this.there.close()]);
    await this.server.stop();
  }

  /** Another lock, for another test. */
  reset(): void {
    this.name = uniqueName('fair');
    this.order = [];
    this.inside = 0;
  }

  async untilWaiting(count: number): Promise<void> {
    await waitUntil(`${count} wait`, async () => (await this.admin.llen(queueKey(this.name))) === count);
  }

  /** A section that notes its caller, and that no other is inside. */
  async section(locks: LockService, label: string, ms = 1): Promise<void> {
    await locks.withLock(
      this.name,
      async () => {
        expect((this.inside += 1)).toBe(1);
        this.order.push(label);
        await sleep(ms);
        this.inside -= 1;
      },
      FAIR,
    );
  }

  /** Begins to wait, and resolves when it has a place. */
  async queue(locks: LockService, label: string): Promise<{ readonly served: Promise<void> }> {
    const before = await this.admin.llen(queueKey(this.name));
    const served = this.section(locks, label);
    await this.untilWaiting(before + 1);
    return { served };
  }

  async expectNothingLeft(): Promise<void> {
    await untilIdle(this.here, this.there);
    const keys = [lockKey, queueKey, deadlinesKey, placesKey].map((key) => key(this.name));
    expect(await this.admin.exists(...keys)).toBe(0);
  }
}
