// As `worker/ports.ts`, which needs a compiler.
import { subscribe } from 'node:diagnostics_channel';

const ports = new Set();

subscribe('net.client.socket', ({ socket }) => {
  socket.once('connect', () => {
    if (socket.localPort !== undefined) ports.add(socket.localPort);
  });
});

/** From which ports this process has connected to servers. */
export function connectedPorts() {
  return [...ports];
}
