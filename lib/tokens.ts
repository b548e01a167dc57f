/** The connection that is meant where none is named. */
export const DEFAULT_CONNECTION = 'default';

/**
 * The injection token of the lock service of one connection. A symbol rather than the class: the ES module build and
 * the CommonJS build of this package have classes of their own, but share their symbols.
 *
 * @publicApi
 */
export function getLockServiceToken(connection: string = DEFAULT_CONNECTION): symbol {
  return Symbol.for(`nestjs-redis-lock/service/${connection}`);
}
