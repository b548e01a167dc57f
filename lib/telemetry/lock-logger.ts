/**
 * Where the library writes its warnings: Nest's `Logger`, `console`, or any other object with this method.
 *
 * @publicApi
 */
export interface LockLogger {
  warn(message: string): unknown;
}
