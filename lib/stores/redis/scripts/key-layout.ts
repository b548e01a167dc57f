/** The prefix of a lock's channel; the lock's key follows, in braces unless it already has some. */
export const CHANNEL_PREFIX = 'redisson_lock__channel:';
/** The prefix of a lock's token key; the lock's key follows in the same way. */
export const TOKEN_PREFIX = 'redisson_lock_token:';

/** The prefix of the record of a job's last firing; the lock's key follows in the same way. */
export const FIRING_PREFIX = 'lock_firing:';

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

  firing(name: string): string {
    return FIRING_PREFIX + this.tagged(name);
  }

  private tagged(name: string): string {
    const key = this.lock(name);
    return key.includes('{') ? key : `{${key}}`;
  }
}
