import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { GatedConnection } from './gated-connection.js';
import type { Request } from './request-reader.js';

/** A command that stands at the gate, with everything that was sent after it. */
export interface HeldCommand {
  /** Resolves when the command has come. */
  readonly arrived: Promise<void>;
  /** Whether it has come. */
  here(): boolean;
  /** Lets it pass. Resolves when Redis has answered. */
  letGo(): Promise<void>;
}

/**
 * Stands between one caller and one Redis, as the network does: counts the commands, holds one back, loses replies,
 * cuts the connection, leads to another server. The lock knows nothing of it.
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

  /** From now on no reply reaches the caller; what it sends still reaches Redis. */
  deafen(): void {
    this.deaf = true;
  }

  /** Cuts the connections, and each new one as soon as it is made, until `accept`. */
  refuse(): void {
    this.refusing = true;
    this.cut();
  }

  accept(): void {
    this.refusing = false;
  }

  /** The same address leads to another Redis from now on. */
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
