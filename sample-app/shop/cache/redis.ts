/** The token of the shop's Redis connection. */
export const REDIS = Symbol('REDIS');
