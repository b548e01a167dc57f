/**
 * A number that grows with every lease granted under a name, across restarts, failovers and flushes of Redis. A
 * resource that stores the largest token it has seen, and rejects smaller ones, is protected from a holder that does
 * not know that it lost its lock. The value is close to the server's clock in µs, far below 2^53.
 *
 * Source: Martin Kleppmann, "How to do distributed locking" (2016).
 *
 * @publicApi
 */
export type FencingToken = number;
