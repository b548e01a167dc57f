/**
 * A number that grows with every lease granted under a name, over restarts, failovers and flushes of Redis. A resource
 * that keeps the largest token it has seen, and refuses smaller ones, is safe from a holder that lost its lock without
 * noticing. It is about the server's clock in µs, far below 2^53.
 *
 * Source: Martin Kleppmann, "How to do distributed locking" (2016).
 *
 * @publicApi
 */
export type FencingToken = number;
