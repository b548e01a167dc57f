import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { defaultPatienceMs, nothingTold, StillTakenError } from './evolution-lock.js';
import type { EvolutionLock, Held, LockTimings } from './evolution-lock.js';
import { release, renew, take } from './redisson-scripts.js';
import { ReleaseNotices } from './release-notices.js';
import { hasReplicaSync } from './replica-sync.js';

export interface RedissonOptions extends LockTimings {
  /**
   * Asks the replicas about each lock, as Redisson does unless it talks to a single server: a lock that no replica
   * acknowledges is released. Default `false`.
   */
  readonly syncReplicas?: boolean;
}

/**
 * Redisson's lock (`getLock(name).lock()`) in TypeScript, in Redisson's layout: a hash with the owner as field and the
 * hold count as value, `lockWatchdogTimeout` (30 s) as expiry, renewed by a watchdog at a third of it; a release is
 * published, and a waiter subscribes, tries again, and sleeps until a message or the end of the lease it saw. Left out:
 * re-entry by thread, and the key that makes a repeated release harmless.
 *
 * Its flaw: a holder that loses the lock is not notified, and has no token that a resource could check. A holder that
 * was stopped writes when it continues. One replica with the lock is sufficient, even if another one is promoted.
 */
export class RedissonLock implements EvolutionLock {
  private readonly client = randomUUID();
  private readonly prefix: string;
  private readonly redis: Redis;
  private readonly notices: ReleaseNotices;
  private readonly leaseMs: number;
  private readonly patienceMs: number;
  private readonly syncReplicas: boolean;
  private callers = 0;

  constructor(redis: Redis, { leaseMs, patienceMs, syncReplicas }: RedissonOptions = {}) {
    // The name of a channel holds the whole key, and ioredis puts its prefix before keys only.
    this.prefix = redis.options.keyPrefix ?? '';
    this.redis = redis.duplicate({ keyPrefix: '', lazyConnect: true });
    this.redis.on('error', () => undefined);
    this.notices = new ReleaseNotices(this.redis.duplicate());
    this.leaseMs = leaseMs ?? 30_000;
    this.patienceMs = patienceMs ?? defaultPatienceMs;
    this.syncReplicas = syncReplicas ?? false;
  }

  async withLock<T>(name: string, work: (held: Held) => Promise<T>): Promise<T> {
    const key = `${this.prefix}redisson:${name}`;
    // The number stands for the thread.
    const owner = `${this.client}:${String(++this.callers)}`;
    await this.untilTaken(key, owner);
    const stopWatchdog = this.startWatchdog(key, owner);
    try {
      return await work(nothingTold);
    } finally {
      await this.release(key, owner).finally(stopWatchdog);
    }
  }

  async close(): Promise<void> {
    this.notices.close();
    this.redis.disconnect();
  }

  private async untilTaken(key: string, owner: string): Promise<void> {
    const end = performance.now() + this.patienceMs;
    const channel = channelOf(key);
    if ((await this.take(key, owner)) === null) return;
    await this.notices.join(channel);
    try {
      for (;;) {
        const remaining = await this.take(key, owner);
        if (remaining === null) return;
        const patience = end - performance.now();
        if (patience <= 0) throw new StillTakenError(key, this.patienceMs - patience);
        await this.notices.sleep(channel, Math.min(remaining, patience));
      }
    } finally {
      await this.notices.leave(channel);
    }
  }

  /** `null` if acquired; else how long to sleep at most, in ms. */
  private async take(key: string, owner: string): Promise<number | null> {
    const remaining = (await this.redis.eval(take, 1, key, this.leaseMs, owner)) as number | null;
    if (remaining !== null) return Math.max(remaining, 0);
    if (!this.syncReplicas || (await hasReplicaSync(this.redis))) return null;
    await this.release(key, owner);
    return 0;
  }

  private async release(key: string, owner: string): Promise<void> {
    const left = await this.redis.eval(release, 2, key, channelOf(key), '0', this.leaseMs, owner);
    if (left === null) throw new Error(`The lock ${key} is not held by this caller any more.`);
  }

  /** Renews at a third of the lease, after the last renewal was answered, until it is stopped or the lock is gone. */
  private startWatchdog(key: string, owner: string): () => void {
    let stopped = false;
    let timer: NodeJS.Timeout | undefined;
    const next = (): void => {
      timer = setTimeout(() => void run(), this.leaseMs / 3);
    };
    const run = async (): Promise<void> => {
      // A failed renewal is retried; a lost lock is dropped silently.
      const held = await this.redis.eval(renew, 1, key, this.leaseMs, owner).catch(() => 1);
      if (held === 1 && !stopped) next();
    };
    next();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }
}

function channelOf(key: string): string {
  return `redisson_lock__channel:${key.includes('{') ? key : `{${key}}`}`;
}
