import { ReplyError } from 'ioredis';
import { TryAgainException } from '../errors/try-again.exception.js';

/**
 * Error replies of a Redis that cannot work now: it loads its data, is no longer the master, is busy or out of memory.
 */
const notNow = /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN|BUSY|OOM|NOREPLICAS|MISCONF|EXECABORT)\b/;

/**
 * Returns the reply of the cache. A Redis that cannot be reached, or cannot work now, becomes 503 with `Retry-After`.
 */
export async function fromCache<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    // Every other error is a missing reply: a timeout, or a connection that failed or was closed.
    if (!(error instanceof Error) || (error instanceof ReplyError && !notNow.test(error.message))) throw error;
    throw new TryAgainException('CACHE_UNAVAILABLE', 'The cache is unavailable. Try again later.', error);
  }
}
