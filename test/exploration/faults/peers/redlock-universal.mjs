// redlock-universal: using() extends by itself and has a signal; acquire() is for a fixed time.
import { createLock, createRedlock, IoredisAdapter } from 'redlock-universal';
import { failure, openAdapter, opened, retriesFor } from './adapter.mjs';

const DELAY_MS = 100;

export const open = (setup) =>
  openAdapter(setup, (clients) => {
    const adapters = clients.map((client) => new IoredisAdapter(client));
    return async (names, { wait, lease }) => {
      if (names.length > 1) throw failure('UNSUPPORTED');
      const ttl = lease === 'renew' ? setup.leaseMs : lease;
      const retryAttempts = retriesFor(wait, DELAY_MS, 1_000_000);
      const options = { key: names[0], ttl, retryAttempts, retryDelay: DELAY_MS };
      const lock =
        adapters.length === 1
          ? createLock({ ...options, adapter: adapters[0] })
          : createRedlock({ ...options, adapters });
      const givenUp = (error) => {
        throw failure('GAVE_UP', error);
      };
      if (lease === 'renew') return opened((routine) => lock.using(routine)).catch(givenUp);
      const handle = await lock.acquire().catch(givenUp);
      return {
        signal: undefined,
        remaining: () => Math.max(0, handle.acquiredAt + ttl - Date.now()),
        release: () => lock.release(handle),
      };
    };
  });
