import { createServer } from 'node:net';

/**
 * A port of 127.0.0.1 that is free at this moment. Another process may take it before it is used: the caller must
 * detect that and request another port (see `onFreePort`).
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      if (address === null || typeof address === 'string') {
        reject(new Error('The operating system gave no port.'));
        return;
      }
      probe.close(() => {
        resolve(address.port);
      });
    });
  });
}

/** Runs `start` on a free port, and on another one if that was taken in the meantime. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  const tries = 5;
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      return await start(port);
    } catch (error) {
      // Redis and PostgreSQL both say "Address already in use" in their log, which the error carries.
      const taken = error instanceof Error && /address already in use|EADDRINUSE/i.test(error.message);
      if (!taken || attempt === tries) throw error;
    }
  }
}
