import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A worker's way to the resource that the locks guard. It does not go through Redis. */
export class ResourceClient {
  private readonly answers = new Map<number, (accepted: boolean) => void>();
  private lastId = 0;

  private constructor(private readonly socket: Socket) {
    createInterface({ input: socket }).on('line', (line) => {
      const { id, accepted } = JSON.parse(line) as { id: number; accepted: boolean };
      this.answers.get(id)?.(accepted);
      this.answers.delete(id);
    });
  }

  static async connect(path: string): Promise<ResourceClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new ResourceClient(socket);
  }

  /** Whether the resource took the write. */
  write(caller: string, name: string, token: number | undefined): Promise<boolean> {
    const id = (this.lastId += 1);
    return new Promise((resolve) => {
      this.answers.set(id, resolve);
      this.socket.write(`${JSON.stringify({ id, caller, name, ...(token === undefined ? {} : { token }) })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }
}
