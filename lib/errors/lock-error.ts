/** The stable codes of every error this library throws on purpose. */
export type LockErrorCode =
  'LOCK_BUSY' | 'LOCK_LOST' | 'LOCK_ABORTED' | 'LOCK_UNAVAILABLE' | 'LOCK_NAME' | 'LOCK_CONFIG' | 'LOCK_SHUTDOWN';

const BRAND = Symbol.for('nestjs-redis-lock/error');

/**
 * The base of every error this library throws on purpose.
 *
 * `instanceof` works across copies of the package: an application may load the ES module build and the CommonJS build
 * side by side, and each has classes of its own.
 *
 * @publicApi
 */
export abstract class LockError extends Error {
  /** Says which error this is; stable over releases. */
  abstract readonly code: LockErrorCode;

  /** The lock's name without the key prefix; `undefined` where no single lock is meant. */
  readonly lockName: string | undefined;

  constructor(message: string, lockName?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.lockName = lockName;
    Object.defineProperty(this, BRAND, { value: new.target.name });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    const brand: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, BRAND) : undefined;
    if (typeof brand !== 'string') return false;
    return this === LockError || this.name === brand;
  }
}
