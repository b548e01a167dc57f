/** The prefix of a lock's channel; the lock's key follows, in braces unless it already has some. */
export const CHANNEL_PREFIX = 'redisson_lock__channel:';
/** The prefix of a lock's token key; the lock's key follows in the same way. */
export const TOKEN_PREFIX = 'redisson_lock_token:';

/** The prefixes of the queue and the deadlines of a fair lock; the lock's key follows in the same way. */
export const QUEUE_PREFIX = 'redisson_lock_queue:';
export const DEADLINES_PREFIX = 'redisson_lock_timeout:';
/** The prefix of the key of this library for a fair lock: the places of its waiters. The lock's key follows in the same way. */
export const PLACES_PREFIX = 'lock_places:';

/** The prefix of a semaphore's channel; the semaphore's key follows in the same way. */
export const SEMAPHORE_CHANNEL_PREFIX = 'redisson_sc:';
/** The prefix of the key of this library for a semaphore, see `PERMITS`; the semaphore's key follows in the same way. */
export const PERMITS_PREFIX = 'lock_permits:';

/** The prefix of a read-write lock's channel; the lock's key follows in the same way. */
export const READ_WRITE_CHANNEL_PREFIX = 'redisson_rwlock:';
/** The prefix of the key of this library for a read-write lock: the order of its waiters. The lock's key follows in the same way. */
export const ORDER_PREFIX = 'lock_order:';

/** The prefix of the key of this library for a latch, see `LATCH`; the latch's key follows in the same way. */
export const LATCH_PREFIX = 'lock_latch:';

/** The prefix of the record of a job's last firing; the lock's key follows in the same way. */
export const FIRING_PREFIX = 'lock_firing:';

/** The prefix of the record of a process; the key prefix and the uuid follow in the same way. */
export const HOLDER_PREFIX = 'lock_holder:';

/**
 * Redisson's names for a lock's keys and channel, so that a Java service finds the same lock. A name that contains a
 * `{` already has a hash tag and gets no second one.
 */
export class KeyLayout {
  constructor(private readonly keyPrefix: string) {}

  lock(name: string): string {
    return this.keyPrefix + name;
  }

  token(name: string): string {
    return TOKEN_PREFIX + this.tagged(name);
  }

  channel(name: string): string {
    return CHANNEL_PREFIX + this.tagged(name);
  }

  /** The queue, the deadlines and the places of a fair lock, see `FAIR`. */
  queue(name: string): [queue: string, deadlines: string, places: string] {
    const tagged = this.tagged(name);
    return [QUEUE_PREFIX + tagged, DEADLINES_PREFIX + tagged, PLACES_PREFIX + tagged];
  }

  /** Of one waiter for a fair lock. */
  waiterChannel(name: string, waiter: string): string {
    return `${this.channel(name)}:${waiter}`;
  }

  holder(id: string): string {
    return HOLDER_PREFIX + this.tagged(id);
  }

  firing(name: string): string {
    return FIRING_PREFIX + this.tagged(name);
  }

  /** The counter, the holds and the side key of a semaphore, see `PERMITS`. */
  semaphore(name: string): [counter: string, holds: string, side: string] {
    const tagged = this.tagged(name);
    return [this.lock(name), `${tagged}:timeout`, PERMITS_PREFIX + tagged];
  }

  semaphoreChannel(name: string): string {
    return SEMAPHORE_CHANNEL_PREFIX + this.tagged(name);
  }

  order(name: string): string {
    return ORDER_PREFIX + this.tagged(name);
  }

  readTimeout(name: string, owner: string): string {
    return `${this.tagged(name)}:${owner}:rwlock_timeout:1`;
  }

  readWriteChannel(name: string): string {
    return READ_WRITE_CHANNEL_PREFIX + this.tagged(name);
  }

  /** The counter of a latch, and the key of this library for it. */
  latch(name: string): [counter: string, side: string] {
    return [this.lock(name), LATCH_PREFIX + this.tagged(name)];
  }

  /** Redisson writes it with braces, even if the name has some. */
  latchChannel(name: string): string {
    return `redisson_countdownlatch__channel__{${this.lock(name)}}`;
  }

  private tagged(name: string): string {
    const key = this.lock(name);
    return key.includes('{') ? key : `{${key}}`;
  }
}
