// redlock 4. It extends nothing by itself: a lease that is to last is extended here at a third of it, with its extend().
import Redlock from 'redlock-4';
import { failure, openAdapter, retriesFor } from './adapter.mjs';

const DELAY_MS = 200;

export const open = (setup) =>
  openAdapter(setup, (clients) => {
    const redlock = new Redlock(clients, { retryDelay: DELAY_MS });
    redlock.on('clientError', () => undefined);
    return async (names, { wait, lease }) => {
      const ttl = lease === 'renew' ? setup.leaseMs : lease;
      // Its own options take 0 for "not given".
      const retryCount = retriesFor(wait, DELAY_MS, -1);
      const locker = retryCount === 0 ? new Redlock(clients, { retryCount }) : redlock;
      const lock = await locker.acquireWithOptions([...names], ttl, { retryCount }).catch((error) => {
        throw failure('GAVE_UP', error);
      });
      const extending =
        lease === 'renew' ? setInterval(() => void lock.extend(ttl).catch(() => undefined), ttl / 3) : undefined;
      return {
        signal: undefined,
        remaining: () => Math.max(0, lock.expiration - Date.now()),
        release: () => {
          clearInterval(extending);
          return lock.unlock();
        },
      };
    };
  });
