import type { Server } from 'node:http';

/** Tells a process manager that started this process with an IPC channel when and where the server listens. */
export function announce(server: Server): void {
  server.once('listening', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    process.send?.({ listening: `http://${host}:${String(address.port)}` });
  });
}
