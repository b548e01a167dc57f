import type { Socket } from 'node:net';
import { RequestReader } from './request-reader.js';
import type { Request } from './request-reader.js';

/** What the gate decides for each of its connections. */
export interface GateRules {
  /** Called for every command; returns whether to hold it back. */
  holds(request: Request): boolean;
  /** Called when a command was held back. */
  held(): void;
  /** Whether replies are dropped. */
  deaf(): boolean;
  closed(): void;
}

/** One connection through a gate. */
export class GatedConnection {
  private readonly reader = new RequestReader();
  /** The held command and everything after it; `null` while nothing is held. */
  private queue: Buffer[] | null = null;
  private onReply: (() => void) | null = null;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly rules: GateRules,
  ) {
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // An error is always followed by `close`.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.cut();
        rules.closed();
      });
    }
    client.on('data', (chunk: Buffer) => {
      try {
        for (const request of this.reader.read(chunk)) this.pass(request);
      } catch {
        // Redis would close the connection after this input.
        this.cut();
      }
    });
    server.on('data', (chunk: Buffer) => {
      if (!rules.deaf()) client.write(chunk);
      this.onReply?.();
    });
  }

  /** Forwards the held commands. Resolves when Redis has replied, or the connection is closed. */
  async letGo(): Promise<void> {
    const queue = this.queue ?? [];
    this.queue = null;
    if (this.server.destroyed) return;
    const answered = new Promise<void>((resolve) => {
      this.onReply = resolve;
      this.server.once('close', () => resolve());
    });
    for (const bytes of queue) this.server.write(bytes);
    await answered;
  }

  cut(): void {
    this.client.destroy();
    this.server.destroy();
    this.onReply?.();
  }

  private pass(request: Request): void {
    const hold = this.rules.holds(request) && this.queue === null;
    if (hold) this.queue = [];
    if (this.queue === null) this.server.write(request.bytes);
    else this.queue.push(request.bytes);
    if (hold) this.rules.held();
  }
}
