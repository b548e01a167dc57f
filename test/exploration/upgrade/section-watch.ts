import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

type Kind = 'exclusive' | 'fair' | 'write' | 'read' | 'permit';
interface Message {
  readonly kind: Kind;
  readonly by?: 1 | -1;
  readonly error?: string;
}

const PERMITS = 3;

/** Counts, outside of Redis, which sections run at the same time. A process that died is in no section any more. */
export class SectionWatch implements AsyncDisposable {
  readonly violations: string[] = [];
  private readonly running: Record<Kind, number> = { exclusive: 0, fair: 0, write: 0, read: 0, permit: 0 };
  private readonly sections: Record<Kind, number> = { ...this.running };
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => this.listen(socket));

  static async start(): Promise<SectionWatch> {
    const watch = new SectionWatch();
    watch.server.listen(0, '127.0.0.1');
    await once(watch.server, 'listening');
    return watch;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  report(): Readonly<Record<string, unknown>> {
    return { sections: this.sections, violations: this.violations.length, first: this.violations.slice(0, 10) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }

  private listen(socket: Socket): void {
    const own = { exclusive: 0, fair: 0, write: 0, read: 0, permit: 0 };
    this.sockets.add(socket);
    const lines = createInterface({ input: socket });
    // The connection of a killed process is reset; readline reports that again.
    for (const each of [socket, lines]) each.on('error', () => undefined);
    lines.on('line', (line: string) => {
      const { kind, by, error } = JSON.parse(line) as Message;
      // A caller that waited for 30 s while no section lasts for longer than a lease was forgotten.
      if (error !== undefined && error !== 'LOCK_SHUTDOWN') this.violations.push(`${kind}: ${error}`);
      if (by !== undefined) {
        own[kind] += by;
        this.change(kind, by);
      }
      socket.write('counted\n');
    });
    socket.on('close', () => {
      this.sockets.delete(socket);
      for (const kind of Object.keys(own) as Kind[]) this.running[kind] -= own[kind];
    });
  }

  private change(kind: Kind, by: 1 | -1): void {
    const { running } = this;
    running[kind] += by;
    if (by < 0) return;
    this.sections[kind] += 1;
    const { exclusive, fair, write, read, permit } = running;
    const tooMany = exclusive > 1 || fair > 1 || write > 1 || (write > 0 && read > 0) || permit > PERMITS;
    if (tooMany) this.violations.push(`${kind}: overlap of ${JSON.stringify(running)}`);
  }
}
