// redlock 5 (beta 2): using() extends the lock by itself and has a signal; acquire() is for a fixed time.
import { createRequire } from 'node:module';
import { failure, openAdapter, opened, retriesFor } from './adapter.mjs';

const { default: Redlock } = createRequire(import.meta.url)('redlock-5');

const DELAY_MS = 200;

export const open = (setup) =>
  openAdapter(setup, (clients) => {
    const redlock = new Redlock(clients, { retryDelay: DELAY_MS });
    redlock.on('error', () => undefined);
    return async (names, { wait, lease }) => {
      const settings = { retryCount: retriesFor(wait, DELAY_MS, -1) };
      const givenUp = (error) => {
        throw failure('GAVE_UP', error);
      };
      if (lease === 'renew') {
        const automaticExtensionThreshold = Math.min(500, Math.floor(setup.leaseMs / 3));
        const options = { ...settings, automaticExtensionThreshold };
        return opened((routine) => redlock.using([...names], setup.leaseMs, options, routine)).catch(givenUp);
      }
      const lock = await redlock.acquire([...names], lease, settings).catch(givenUp);
      return {
        signal: undefined,
        remaining: () => Math.max(0, lock.expiration - Date.now()),
        release: () => lock.release(),
      };
    };
  });
