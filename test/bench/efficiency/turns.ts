import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * Stands between clients and a Redis and counts turns: how often a client speaks after Redis has spoken on that connection.
 * Whatever is sent together is one turn, however many requests it is, so turns are the round trips that somebody waited for.
 */
export class Turns implements AsyncDisposable {
  count = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly listener: Server,
    private readonly target: URL,
  ) {
    listener.on('connection', (client) => this.join(client));
  }

  /** @param url of a Redis */
  static async between(url: string): Promise<Turns> {
    const listener = createServer();
    const turns = new Turns(listener, new URL(url));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return turns;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private join(client: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    let serversTurn = false;
    client.on('data', (chunk) => {
      if (!serversTurn) this.count += 1;
      serversTurn = true;
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      serversTurn = false;
      client.write(chunk);
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay();
      // Either end may go first; what it does to the client is not the matter here.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
