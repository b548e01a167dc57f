import { EventEmitter } from 'node:events';
import type { RedisClient } from './redis-client.js';

/** What the library looks at on the socket below a client. ioredis does not document where it keeps it: only a hint. */
interface Socket extends EventEmitter {
  readonly readableEnded?: boolean;
  readonly writableEnded?: boolean;
  readonly errored?: unknown;
  destroy?(): void;
  resetAndDestroy?(): void;
}

export function socketOf(client: RedisClient): Socket | undefined {
  const stream: unknown = Reflect.get(client, 'stream');
  return stream instanceof EventEmitter ? stream : undefined;
}

const expecting = new WeakSet<Socket>();

/**
 * A TLS handshake that is broken off may fail more than once. ioredis listens for one error of a socket; the next would
 * end the process.
 */
export function expectErrors(client: RedisClient): void {
  const socket = socketOf(client);
  if (socket === undefined || expecting.has(socket)) return;
  expecting.add(socket);
  socket.on('error', () => undefined);
}

/**
 * Closes the socket so that the kernel discards what it has not sent yet: after an ordinary close it would go on
 * sending, and requests would arrive long after their connection was replaced. A TLS or Unix socket cannot do that.
 *
 * A socket that is being ended is closed in the ordinary way: Node would fail to reset it, and then leave it open without an
 * event, so that the client would take it for a working connection.
 */
export function resetSocket(client: RedisClient): void {
  const socket = socketOf(client);
  if (socket === undefined) return;
  if (socket.writableEnded === true) {
    socket.destroy?.();
    return;
  }
  try {
    socket.resetAndDestroy?.();
  } catch {
    socket.destroy?.();
  }
}

/** Whether the other side closed the connection: then nothing that was sent on it is still on its way for long. */
export function closedByPeer(socket: Socket | undefined): boolean {
  if (socket === undefined) return false;
  const { errored } = socket;
  const code: unknown = typeof errored === 'object' && errored !== null ? Reflect.get(errored, 'code') : undefined;
  return socket.readableEnded === true || code === 'ECONNRESET' || code === 'EPIPE';
}
