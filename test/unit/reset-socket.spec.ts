import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import type { RedisClient } from '../../lib/stores/redis/connection/redis-client.js';
import { resetSocket } from '../../lib/stores/redis/connection/socket.js';

it.each([
  ['is in use', (): void => undefined],
  [
    'is being ended',
    (socket: { end(): void }): void => {
      socket.end();
    },
  ],
])('a socket that %s is closed, and its client is notified', async (_state, before) => {
  // It never closes a connection itself.
  const server = createServer({ allowHalfOpen: true }, (peer) => peer.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.write('a request');
  before(socket);
  resetSocket({ stream: socket } as unknown as RedisClient);
  await closed;
  expect(socket.destroyed).toBe(true);
  server.close();
});
