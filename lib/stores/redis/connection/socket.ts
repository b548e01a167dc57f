import { EventEmitter } from 'node:events';
import type { RedisClient } from './redis-client.js';

/**
 * The members of a client's socket that the library uses. ioredis does not document the socket, so it may be missing.
 */
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
 * An aborted TLS handshake may emit several errors. ioredis handles only the first of a socket; the next would end the
 * process.
 */
export function expectErrors(client: RedisClient): void {
  const socket = socketOf(client);
  if (socket === undefined || expecting.has(socket)) return;
  expecting.add(socket);
  socket.on('error', () => undefined);
}

/**
 * Closes the socket so that the kernel discards unsent data: after an ordinary close it would continue to send, and
 * requests would arrive long after their connection was replaced. TLS and Unix sockets do not support this.
 *
 * A socket that is already ending is destroyed instead: Node would fail to reset it and leave it open without an event,
 * and the client would treat it as a working connection.
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

/** Whether the peer closed the connection: then requests on it cannot be in transit for long. */
export function closedByPeer(socket: Socket | undefined): boolean {
  if (socket === undefined) return false;
  const { errored } = socket;
  const code: unknown = typeof errored === 'object' && errored !== null ? Reflect.get(errored, 'code') : undefined;
  return socket.readableEnded === true || code === 'ECONNRESET' || code === 'EPIPE';
}
