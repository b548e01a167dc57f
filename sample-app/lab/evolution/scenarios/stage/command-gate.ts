import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { GatedConnection } from './gated-connection.js';
import type { Request } from './request-reader.js';

/** A command that the gate holds back, with everything that was sent after it. */
export interface HeldCommand {
  /** Resolves when the command has arrived. */
  readonly arrived: Promise<void>;
  /** Whether it has arrived. */
  here(): boolean;
  /** Forwards it. Resolves when Redis has replied. */
  letGo(): Promise<void>;
}

/**
 * A proxy between one caller and one Redis that simulates network faults: it counts commands, delays one, loses
 * replies, closes the connection, and redirects to another server. The lock cannot detect it.
 */
export class CommandGate {
  /** All that was sent since `forget`. */
  private sent: Request[] = [];
  private readonly connections = new Set<GatedConnection>();
  private holding: { matches: (request: Request) => boolean; at: (connection: GatedConnection) => void } | undefined;
  private refusing = false;
  private deaf = false;

  private constructor(
    private readonly listener: Server,
    private target: URL,
  ) {
    listener.on('connection', (client) => this.admit(client));
  }

  /** `target`: the URL of a Redis on this machine or another. */
  static async open(target: string): Promise<CommandGate> {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new CommandGate(listener, new URL(target));
  }

  /** Like the URL of the Redis behind it, with another address. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  get commands(): readonly Request[] {
    return this.sent;
  }

  forget(): void {
    this.sent = [];
  }

  /** Holds back the next command that matches. */
  hold(matches: (request: Request) => boolean): HeldCommand {
    let letGo: (() => Promise<void>) | undefined;
    const arrived = new Promise<void>((resolve) => {
      this.holding = {
        matches,
        at: (connection) => {
          letGo = () => connection.letGo();
          resolve();
        },
      };
    });
    return {
      arrived,
      here: () => letGo !== undefined,
      letGo: async () => {
        this.holding = undefined;
        await letGo?.();
      },
    };
  }

  /** Drops all replies from now on; commands still reach Redis. */
  deafen(): void {
    this.deaf = true;
  }

  /** Closes all connections, and each new one at once, until `accept`. */
  refuse(): void {
    this.refusing = true;
    this.cut();
  }

  accept(): void {
    this.refusing = false;
  }

  /** Redirects the address to another Redis from now on. */
  redirect(target: string): void {
    this.target = new URL(target);
    this.refusing = false;
    this.cut();
  }

  async close(): Promise<void> {
    this.refuse();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private cut(): void {
    for (const connection of this.connections) connection.cut();
  }

  private admit(client: Socket): void {
    if (this.refusing) {
      client.destroy();
      return;
    }
    const server = connect({ host: this.target.hostname, port: Number(this.target.port || '6379') });
    const connection = new GatedConnection(client, server, {
      holds: (request) => this.note(request),
      held: () => {
        const holding = this.holding;
        this.holding = undefined;
        holding?.at(connection);
      },
      deaf: () => this.deaf,
      closed: () => this.connections.delete(connection),
    });
    this.connections.add(connection);
  }

  /** Whether the command is to be held back. */
  private note(request: Request): boolean {
    this.sent.push(request);
    return this.holding?.matches(request) ?? false;
  }
}
