import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

/** Counts what is taken at the same time, outside of Redis: clients send how much they have taken or are about to return. */
export class Gauge implements AsyncDisposable {
  most = 0;
  changes = 0;
  private taken = 0;
  private readonly server = createServer((socket) => {
    createInterface({ input: socket }).on('line', (line) => {
      this.change(Number(line));
      socket.write('ok\n');
    });
    socket.on('error', () => undefined);
  });

  static async start(): Promise<Gauge> {
    const gauge = new Gauge();
    gauge.server.listen(0, '127.0.0.1');
    await once(gauge.server, 'listening');
    return gauge;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  change(by: number): void {
    this.taken += by;
    this.changes += 1;
    this.most = Math.max(this.most, this.taken);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}
