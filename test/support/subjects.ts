import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import {
  connectLockService,
  type AcquireOptions,
  type Lease,
  type LockMode,
  type LockService,
  type LockServiceOptions,
} from 'nestjs-redis-lock';
import {
  lockKey,
  noticeChannel,
  orderKey,
  permitChannel,
  permitHoldsKey,
  permitsKey,
  readWriteChannel,
} from './lock-keys.js';

/** A service as the tests use it that are the same for several kinds of locks. */
export interface Locks extends AsyncDisposable, Pick<LockService, 'stats' | 'close'> {
  readonly service: LockService;
  withLock<T>(name: string, section: (lease: Lease) => T | PromiseLike<T>, options?: AcquireOptions): Promise<T>;
  acquire(name: string, options?: AcquireOptions): Promise<Lease>;
  tryAcquire(name: string, options?: AcquireOptions): Promise<Lease | null>;
  isHeld(name: string): Promise<boolean>;
}

/** What is tested: a kind of lock, of which one caller at a time holds one. */
export interface Subject {
  readonly label: string;
  /** Its name on the command line of a child process. */
  readonly kind: 'exclusive' | 'fair' | 'semaphore' | 'write';
  of(service: LockService): Locks;
  connect(options: LockServiceOptions): Promise<Locks>;
  /** A key that exists as long as somebody has the lock. */
  key(name: string): string;
  channel(name: string): string;
  /** How long the lease of its holder lasts by the clock of Redis, in ms; negative if nobody has it. */
  timeToLive(admin: Redis, name: string): Promise<number>;
  /** How often its holder has taken it. */
  holds(admin: Redis, name: string): Promise<number>;
  /** Deletes what Redis knows of it, but for the last token. */
  lose(admin: Redis, name: string): Promise<void>;
}

/** The server learns the scripts: otherwise the first request of each is refused, and sent again with its script. */
export async function teachScripts(locks: Locks): Promise<void> {
  const first = await locks.acquire(`scripts:${randomUUID()}`);
  // Some tests have a timeout that a busy machine exceeds.
  await first.extend(30_000).catch(() => first.extend(30_000));
  await first.release();
}

type Taking = Pick<Locks, 'withLock' | 'acquire' | 'tryAcquire' | 'isHeld'>;

function subject(about: Omit<Subject, 'of' | 'connect'>, taking: (service: LockService) => Taking): Subject {
  const of = (service: LockService): Locks => ({
    ...taking(service),
    service,
    stats: () => service.stats(),
    close: () => service.close(),
    [Symbol.asyncDispose]: () => service.close(),
  });
  return { ...about, of, connect: async (options) => of(await connectLockService(options)) };
}

const LOCK = {
  key: lockKey,
  channel: noticeChannel,
  timeToLive: (admin: Redis, name: string) => admin.pttl(lockKey(name)),
  holds: async (admin: Redis, name: string) => Number((await admin.hvals(lockKey(name)))[0]),
  lose: async (admin: Redis, name: string) => {
    await admin.del(lockKey(name));
  },
};

/** Takes a lock in one mode. Options that are not valid reach the service as they are. */
function inMode(mode: LockMode): (service: LockService) => Taking {
  const adding = (options: AcquireOptions = {}): AcquireOptions =>
    typeof options === 'object' && (options as object | null) !== null ? { ...options, mode } : options;
  return (service) => ({
    withLock: (name, section, options) => service.withLock(name, section, adding(options)),
    acquire: (name, options) => service.acquire(name, adding(options)),
    tryAcquire: (name, options) => service.tryAcquire(name, adding(options)),
    isHeld: async (name) => (await service.inspect(name)).held,
  });
}

export const FAIR = subject({ label: 'a fair lock', kind: 'fair', ...LOCK }, inMode('fair'));

export const EXCLUSIVE = subject({ label: 'an exclusive lock', kind: 'exclusive', ...LOCK }, (service) => ({
  withLock: (name, section, options) => service.withLock(name, section, options),
  acquire: (name, options) => service.acquire(name, options),
  tryAcquire: (name, options) => service.tryAcquire(name, options),
  isHeld: async (name) => (await service.inspect(name)).held,
}));

export const SEMAPHORE_OF_ONE = subject(
  {
    label: 'a semaphore of 1',
    kind: 'semaphore',
    key: permitHoldsKey,
    channel: permitChannel,
    timeToLive: async (admin, name) => {
      const [[, end], [seconds, micros]] = await Promise.all([
        admin.zrange(permitHoldsKey(name), '-1', '-1', 'WITHSCORES') as Promise<[string?, string?]>,
        admin.time() as unknown as Promise<[string, string]>,
      ]);
      return end === undefined ? -2 : Number(end) - Number(seconds) * 1_000 - Math.floor(Number(micros) / 1_000);
    },
    holds: (admin, name) => admin.zcard(permitHoldsKey(name)),
    lose: async (admin, name) => {
      await admin.del(lockKey(name), permitHoldsKey(name), permitsKey(name));
    },
  },
  (service) => {
    const semaphore = (name: string) => service.semaphore(name, { permits: 1 });
    return {
      // A name that is not valid is an error of `semaphore()`, which the tests expect of the call.
      withLock: async (name, section, options) => semaphore(name).withPermit(section, options),
      acquire: async (name, options) => semaphore(name).acquire(options),
      tryAcquire: async (name, options) => semaphore(name).tryAcquire(options),
      isHeld: async (name) => (await semaphore(name).inspect()).held > 0,
    };
  },
);

export const WRITE = subject(
  {
    label: 'a read-write lock to write',
    kind: 'write',
    key: lockKey,
    channel: readWriteChannel,
    timeToLive: (admin, name) => admin.pttl(lockKey(name)),
    holds: async (admin, name) => {
      const holder = Object.entries(await admin.hgetall(lockKey(name))).find(([field]) => field !== 'mode');
      return Number(holder?.[1]);
    },
    lose: async (admin, name) => {
      await admin.del(lockKey(name), orderKey(name));
    },
  },
  inMode('write'),
);

/** In a file of their own where a test takes long, so that `npm test` does not run them. */
export const OTHER_KINDS: readonly Subject[] = [SEMAPHORE_OF_ONE, WRITE, FAIR];

export const SUBJECTS: readonly Subject[] = [EXCLUSIVE, ...OTHER_KINDS];
