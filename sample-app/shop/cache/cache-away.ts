import { ReplyError } from 'ioredis';
import { TryAgainException } from '../errors/try-again.exception.js';

/** What a Redis answers that cannot work now: it loads its data, is no master any more, is busy or has no room. */
const notNow = /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN|BUSY|OOM|NOREPLICAS|MISCONF|EXECABORT)\b/;

/** The answer of the cache. A Redis that is away, or cannot work now, becomes 503 with `Retry-After`. */
export async function fromCache<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    // What is no answer of Redis is the lack of one: a timeout, a connection that broke or was closed.
    if (!(error instanceof Error) || (error instanceof ReplyError && !notNow.test(error.message))) throw error;
    throw new TryAgainException('CACHE_UNAVAILABLE', 'The cache is unavailable. Try again later.', error);
  }
}
