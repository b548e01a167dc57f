import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { waitUntil } from './wait-until.js';

export interface KeptConnection {
  readonly client: Socket;
  readonly server: Socket;
  /** What the client sent while the connection was stuck. */
  readonly kept: Buffer[];
  stuck: boolean;
  readonly sent: () => string;
}

/** A network that keeps what one connection sends, and delivers it after the client has given the connection up. */
export class KeepingNetwork implements AsyncDisposable {
  readonly connections: KeptConnection[] = [];

  private constructor(
    private readonly listener: Server,
    target: URL,
  ) {
    listener.on('connection', (client) => {
      const server = connect(Number(target.port), target.hostname);
      let sent = '';
      const connection: KeptConnection = { client, server, kept: [], stuck: false, sent: () => sent };
      this.connections.push(connection);
      client.on('data', (chunk: Buffer) => {
        sent += chunk.toString('latin1');
        if (connection.stuck) connection.kept.push(chunk);
        else server.write(chunk);
      });
      server.on('data', (chunk: Buffer) => {
        if (!connection.stuck) client.write(chunk);
      });
      client.on('error', () => undefined);
      server.on('error', () => undefined);
      client.on('close', () => {
        if (!connection.stuck) server.destroy();
      });
      server.on('close', () => client.destroy());
    });
  }

  static async start(target: string): Promise<KeepingNetwork> {
    const listener = createServer();
    const network = new KeepingNetwork(listener, new URL(target));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return network;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Keeps what is sent from now on over the connection that has carried scripts. */
  keep(): KeptConnection {
    const connection = this.connections.find(({ sent, client }) => !client.destroyed && sent().includes('evalsha'))!;
    connection.stuck = true;
    return connection;
  }

  /** Waits until the client has given the connection up. */
  async givenUp({ client }: KeptConnection): Promise<void> {
    await waitUntil('the connection is given up', () => client.destroyed);
  }

  /** Delivers what was kept, and waits until the server has carried it out. */
  async deliver({ kept, server }: KeptConnection): Promise<void> {
    const answered = once(server, 'data');
    for (const chunk of kept.splice(0)) server.write(chunk);
    await answered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.connections) {
      client.destroy();
      server.destroy();
    }
    this.listener.close();
    await once(this.listener, 'close');
  }
}
