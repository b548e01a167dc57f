import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ProxyDirection, type Flow } from './proxy-direction.js';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** What the client has sent. */
  sent: string;
  /** Whether the peer has vanished: nothing goes either way, and neither side is told. */
  vanished: boolean;
  /** What each side has sent while the connection was stranded; `null`: it is not. */
  kept: { readonly up: Buffer[]; readonly down: Buffer[] } | null;
}

/** Commands that open a subscription. */
export const SUBSCRIBES = /subscribe/i;

/**
 * Stands between a client and a Redis and spoils the connection on request: loses what goes one way, holds it back,
 * delays it, cuts all connections.
 */
export class TcpProxy implements AsyncDisposable {
  private readonly pairs = new Set<Pair>();
  private readonly toServer = new ProxyDirection();
  private readonly toClient = new ProxyDirection();
  private refusing = false;
  /** How many connections were made through it so far. */
  opened = 0;

  private constructor(
    private readonly listener: Server,
    private target: { host: string; port: number },
  ) {
    listener.on('connection', (client) => {
      this.join(client);
    });
  }

  /** `target` is the URL of a Redis. */
  static async start(target: string): Promise<TcpProxy> {
    const listener = createServer();
    const proxy = new TcpProxy(listener, addressOf(target));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** How many connections are open through it now. */
  get connections(): number {
    return this.pairs.size;
  }

  /** What happens to the bytes that clients send. `drop`: lost for good. `hold`: kept until `pass`. */
  set requests(flow: Flow) {
    this.toServer.setFlow(flow);
  }

  /** What happens to the bytes that Redis sends: replies and notices. With `drop` every command is still executed. */
  set replies(flow: Flow) {
    this.toClient.setFlow(flow);
  }

  /** Holds back both ways until `resume`: a connection that is open and silent. */
  pause(): void {
    this.requests = 'hold';
    this.replies = 'hold';
  }

  resume(): void {
    this.requests = 'pass';
    this.replies = 'pass';
  }

  /**
   * The peer of each open connection vanishes without a FIN: both directions are swallowed for good, and the client can
   * only notice the silence. New connections are served. Returns how many connections that are.
   *
   * @param which only connections on which the client has sent something that matches
   */
  vanish(which = /^/): number {
    const found = [...this.pairs].filter(({ sent, vanished }) => !vanished && which.test(sent));
    for (const pair of found) pair.vanished = true;
    return found.length;
  }

  /**
   * The network keeps what is sent on each open connection from now on, also after the client has given it up. New
   * connections are served.
   */
  strand(): void {
    for (const pair of this.pairs) if (!pair.vanished) pair.kept ??= { up: [], down: [] };
  }

  /** What was kept arrives now: requests also if their connection was given up. */
  deliverStranded(): void {
    for (const pair of [...this.pairs]) {
      const { kept, client, server } = pair;
      if (kept === null) continue;
      pair.kept = null;
      for (const chunk of kept.up) server.write(chunk);
      for (const chunk of kept.down) if (!client.destroyed) client.write(chunk);
      if (!client.destroyed) continue;
      this.pairs.delete(pair);
      server.end();
    }
  }

  /** From now on every chunk of requests arrives this much later, in order. */
  delayRequests(ms: number): void {
    this.toServer.delayMs = ms;
  }

  /** From now on every chunk of replies arrives this much later, in order. */
  delayReplies(ms: number): void {
    this.toClient.delayMs = ms;
  }

  /** Cuts every open connection; new ones are served, unless `refuse` was called. */
  cut(): void {
    for (const { client, server } of this.pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Cuts every connection, and each new one as soon as it is made, until `accept`. */
  refuse(): void {
    this.refusing = true;
    this.cut();
  }

  accept(): void {
    this.refusing = false;
  }

  /** Resolves once a request that contains `text` was passed on to Redis. Ask before it is sent. */
  untilRequest(text: string): Promise<void> {
    return this.toServer.untilPassed(text);
  }

  /** New connections go to another Redis, as when a name is given another address. Open ones stay where they are. */
  redirect(target: string): void {
    this.target = addressOf(target);
  }

  async close(): Promise<void> {
    this.refuse();
    if (!this.listener.listening) return;
    this.listener.close();
    await once(this.listener, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private join(client: Socket): void {
    if (this.refusing) {
      client.destroy();
      return;
    }
    this.opened += 1;
    const server = connect(this.target);
    const pair: Pair = { client, server, sent: '', vanished: false, kept: null };
    this.pairs.add(pair);
    client.on('data', (chunk: Buffer) => {
      pair.sent += chunk.toString('latin1');
      pair.kept?.up.push(chunk);
    });
    server.on('data', (chunk: Buffer) => pair.kept?.down.push(chunk));
    const passes = (): boolean => !pair.vanished && pair.kept === null;
    const part = (closed: Socket): void => {
      // A peer that has vanished does not say that it closed.
      if (pair.vanished && closed === server) return;
      // What the client has sent is still on its way.
      if (pair.kept !== null && closed === client) return;
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // An error is always followed by `close`.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        part(socket);
      });
    }
    this.toServer.connect(client, server, passes);
    this.toClient.connect(server, client, passes);
  }
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port || '6379') };
}
