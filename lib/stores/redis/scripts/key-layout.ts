/** What the name of a lock's channel begins with; the lock's key follows, in braces unless it has some itself. */
export const CHANNEL_PREFIX = 'redisson_lock__channel:';
/** What the name of a lock's token key begins with; the lock's key follows in the same way. */
export const TOKEN_PREFIX = 'redisson_lock_token:';

/**
 * Redisson's names for a lock's keys and channel, so that a Java service finds the same lock. A name that holds a `{`
 * already carries its own hash tag and is not wrapped in another.
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

  private tagged(name: string): string {
    const key = this.lock(name);
    return key.includes('{') ? key : `{${key}}`;
  }
}
