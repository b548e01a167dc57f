import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const ports = new Set<number>();

subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket };
  socket.once('connect', () => {
    // A socket of the file system has none.
    if (socket.localPort !== undefined) ports.add(socket.localPort);
  });
});

/** From which ports this process has connected to servers since this module was loaded: MONITOR tells clients by them. */
export function connectedPorts(): number[] {
  return [...ports];
}
