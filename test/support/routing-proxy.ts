import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { RespRequests } from './resp-requests.js';

export interface RoutingProxyOptions {
  /** The error for a request with keys of several servers. Without it, such a request goes where its first key is. */
  readonly crossServerError?: string;
}

/** A proxy in front of several Redis servers that sends each request to the server of its first key. */
export class RoutingProxy implements AsyncDisposable {
  private readonly sockets = new Set<Socket>();
  private readonly shards: Redis[];

  private constructor(
    private readonly listener: Server,
    private readonly urls: readonly string[],
    private readonly options: RoutingProxyOptions,
  ) {
    this.shards = urls.map((url) => new Redis(url, { disconnectTimeout: 50 }));
    listener.on('connection', (socket) => this.serve(socket));
  }

  static async start(urls: readonly string[], options: RoutingProxyOptions = {}): Promise<RoutingProxy> {
    const listener = createServer();
    const proxy = new RoutingProxy(listener, urls, options);
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    for (const shard of this.shards) shard.disconnect();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    const subscribers = this.urls.map((url) => new Redis(url, { lazyConnect: true, disconnectTimeout: 50 }));
    for (const subscriber of subscribers) {
      subscriber.on('message', (channel, text) => socket.write(encode(['message', channel, text])));
    }
    socket.on('close', () => {
      this.sockets.delete(socket);
      for (const subscriber of subscribers) subscriber.disconnect();
    });
    const requests = new RespRequests();
    let before: Promise<unknown> = Promise.resolve();
    socket.on('data', (chunk) => {
      for (const request of requests.read(chunk)) {
        const answer = this.answer(request, subscribers).catch((error: unknown) => error as Error);
        before = before.then(async () => socket.write(encode(await answer)));
      }
    });
  }

  private async answer([name = '', ...args]: string[], subscribers: readonly Redis[]): Promise<unknown> {
    switch (name.toLowerCase()) {
      case 'hello':
        throw new Error("ERR unknown command 'HELLO'");
      case 'client':
      case 'quit':
        return 'OK';
      case 'subscribe':
      case 'unsubscribe': {
        const verb = name.toLowerCase() as 'subscribe' | 'unsubscribe';
        const counts = await Promise.all(subscribers.map((subscriber) => subscriber[verb](...args)));
        return [verb, args[0], counts[0]];
      }
      case 'eval':
      case 'evalsha': {
        const shards = new Set(args.slice(2, 2 + Number(args[1])).map((key) => this.shardOf(key)));
        if (shards.size > 1 && this.options.crossServerError !== undefined) {
          throw new Error(this.options.crossServerError);
        }
        const [first = this.shards[0]!] = shards;
        return first.call(name, ...args);
      }
      default:
        return (name.toLowerCase() === 'del' ? this.shardOf(args[0]!) : this.shards[0]!).call(name, ...args);
    }
  }

  private shardOf(key: string): Redis {
    // As servers do, a proxy hashes what is in braces if there is something.
    const hashed = /\{([^}]+)\}/.exec(key)?.[1] ?? key;
    let hash = 7;
    for (const byte of Buffer.from(hashed)) hash = (hash * 31 + byte) % 65_521;
    return this.shards[hash % this.shards.length]!;
  }
}

function encode(value: unknown): string {
  if (value instanceof Error) return `-${value.message}\r\n`;
  if (typeof value === 'number') return `:${value}\r\n`;
  if (value === null || value === undefined) return '$-1\r\n';
  if (Array.isArray(value)) return `*${value.length}\r\n${value.map(encode).join('')}`;
  const text = value as string;
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
