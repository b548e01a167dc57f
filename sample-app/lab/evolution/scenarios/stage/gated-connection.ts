import type { Socket } from 'node:net';
import { RequestReader } from './request-reader.js';
import type { Request } from './request-reader.js';

/** What the gate decides for each of its connections. */
export interface GateRules {
  /** Hears of every command, and says whether it is to be held back. */
  holds(request: Request): boolean;
  /** A command was held back. */
  held(): void;
  /** Whether replies get lost. */
  deaf(): boolean;
  closed(): void;
}

/** One connection through a gate. */
export class GatedConnection {
  private readonly reader = new RequestReader();
  /** What stands behind a held command, that one first; `null` while nothing is held. */
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
        // Redis would close the connection of one who sends this.
        this.cut();
      }
    });
    server.on('data', (chunk: Buffer) => {
      if (!rules.deaf()) client.write(chunk);
      this.onReply?.();
    });
  }

  /** Lets pass what is held. Resolves when Redis has answered, or cannot any more. */
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
