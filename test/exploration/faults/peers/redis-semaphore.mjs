// redis-semaphore: Mutex, or RedlockMutex for several servers. It refreshes by itself and calls back when that fails.
import { Mutex, RedlockMutex, TimeoutError } from 'redis-semaphore';
import { failure, openAdapter } from './adapter.mjs';

export const open = (setup) =>
  openAdapter(setup, (clients) => async (names, { wait, lease }) => {
    if (names.length > 1) throw failure('UNSUPPORTED');
    const lost = new AbortController();
    const options = {
      lockTimeout: lease === 'renew' ? setup.leaseMs : lease,
      // 0 would not try at all.
      acquireTimeout: Math.max(1, wait),
      ...(lease === 'renew' ? {} : { refreshInterval: 0 }),
      onLockLost: (error) => lost.abort(error),
    };
    const mutex =
      clients.length === 1 ? new Mutex(clients[0], names[0], options) : new RedlockMutex(clients, names[0], options);
    await mutex.acquire().catch((error) => {
      throw failure(error instanceof TimeoutError ? 'LOCK_BUSY' : 'GAVE_UP', error);
    });
    return {
      signal: lost.signal,
      remaining: () => (mutex.isAcquired ? null : 0),
      release: () => mutex.release(),
    };
  });
