import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { HistoryFile } from '../history.js';

interface WriteRequest {
  readonly id: number;
  readonly caller: string;
  readonly name: string;
  readonly token?: number;
}

/**
 * What the locks guard: outside of them and of Redis. For each name it keeps the largest token that has written and
 * refuses smaller ones, unless several callers may be inside at a time. Its own numbering is the true order of the writes.
 */
export class GuardedResource implements AsyncDisposable {
  private readonly largest = new Map<string, number>();
  private readonly sequence = new Map<string, number>();
  private readonly sockets = new Set<Socket>();
  /** How many writes came, accepted or not. */
  writes = 0;

  private constructor(
    readonly path: string,
    private readonly server: Server,
    private readonly history: HistoryFile,
    private readonly fenced: boolean,
  ) {
    server.on('connection', (socket) => this.serve(socket));
  }

  static async listen(path: string, history: HistoryFile, fenced: boolean): Promise<GuardedResource> {
    const server = createServer();
    const resource = new GuardedResource(path, server, history, fenced);
    server.listen(path);
    await once(server, 'listening');
    return resource;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    // A worker that is killed breaks its connection off.
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    const lines = createInterface({ input: socket });
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const request = parse(line);
      if (request === undefined) return;
      const accepted = this.write(request);
      if (!socket.destroyed) socket.write(`${JSON.stringify({ id: request.id, accepted })}\n`);
    });
  }

  private write({ caller, name, token }: WriteRequest): boolean {
    this.writes += 1;
    const seq = (this.sequence.get(name) ?? 0) + 1;
    this.sequence.set(name, seq);
    const accepted = !this.fenced || token === undefined || token >= (this.largest.get(name) ?? 0);
    if (accepted && token !== undefined) this.largest.set(name, token);
    this.history.write({ type: 'write', caller, name, seq, accepted, ...(token === undefined ? {} : { token }) });
    return accepted;
  }
}

/** `undefined` for the half of a line that a killed worker has sent. */
function parse(line: string): WriteRequest | undefined {
  try {
    return JSON.parse(line) as WriteRequest;
  } catch {
    return undefined;
  }
}
