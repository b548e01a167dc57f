// What the adapters have in common. Each turns one library into the fault suite's LockClient
// (test/exploration/faults/worker/lock-client.ts), used as its own documentation says.
import { Cluster, Redis } from 'ioredis';

/** An error with the code that goes into the history. */
export function failure(code, cause) {
  return Object.assign(new Error(`${code}: ${cause?.message ?? 'not supported'}`, { cause }), { code });
}

/** One client for each server that the library is given; for Sentinel and Cluster it is one. */
function openClients(where) {
  if (where.quorum !== undefined) return where.quorum.map((url) => new Redis(url));
  if (where.cluster !== undefined) return [new Cluster(where.cluster.nodes, where.cluster.options)];
  return [where.url === undefined ? new Redis(where.redis) : new Redis(where.url)];
}

/**
 * @param take `(names, ask, lost) => { release, remaining, signal }`: takes the locks, or throws a `failure`
 */
export async function openAdapter(setup, makeTake) {
  const clients = openClients(setup.where);
  for (const client of clients) client.on('error', () => undefined);
  const stats = { held: 0, waiting: 0, unhandled: 0 };
  // Some of them renew in timers and catch nothing there; a worker that dies of it would end the run.
  const onRejection = () => {
    stats.unhandled += 1;
  };
  process.on('unhandledRejection', onRejection);
  const take = makeTake(clients);

  return {
    async acquire(names, ask) {
      stats.waiting += 1;
      try {
        return hold(await unlessAborted(take(names, ask), ask.signal), stats);
      } finally {
        stats.waiting -= 1;
      }
    },
    stats: () => ({ held: stats.held, waiting: stats.waiting }),
    /** How often the library left a rejection to nobody. */
    unhandled: () => stats.unhandled,
    async close() {
      process.off('unhandledRejection', onRejection);
      for (const client of clients) client.disconnect();
    },
  };
}

function hold({ release, remaining, signal }, stats) {
  stats.held += 1;
  return {
    tokenOf: () => undefined,
    remaining,
    signal,
    async release() {
      // Looked at before: some of them abort their signal at the end in any case.
      const lost = signal?.aborted === true;
      try {
        await release();
        return lost ? 'lost' : 'released';
      } catch {
        return 'lost';
      } finally {
        stats.held -= 1;
      }
    },
  };
}

/** Most of them cannot give up waiting: what comes after the caller has gone is given back. */
function unlessAborted(taking, signal) {
  if (signal === undefined) return taking;
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(failure('LOCK_ABORTED', signal.reason));
      taking.then(({ release }) => release()).catch(() => undefined);
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    taking.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** How often to try again, every `delay` ms, to have waited for `wait` ms. */
export function retriesFor(wait, delay, forEver) {
  return wait === Infinity ? forEver : Math.ceil(wait / delay);
}

/** Turns `using(routine)` into something that is taken here and given up there. */
export function opened(using) {
  return new Promise((resolve, reject) => {
    let entered = false;
    const over = using((signal) => {
      entered = true;
      return new Promise((leave) => {
        const release = async () => {
          leave();
          await over;
        };
        resolve({ release, signal, remaining: () => (signal?.aborted === true ? 0 : null) });
      });
    });
    over.catch((error) => (entered ? undefined : reject(error)));
  });
}
