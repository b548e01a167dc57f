import type { Server } from 'node:http';

/**
 * Tells the process that started this one where the server listens, if the two are connected (IPC). A line of the log
 * would depend on the log level.
 */
export function announce(server: Server): void {
  server.once('listening', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    process.send?.({ listening: `http://${host}:${String(address.port)}` });
  });
}
