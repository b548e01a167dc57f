import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { parseMonitorLine, type MonitorLine } from '../measures/monitor.js';

/** What went over all connections together, in bytes. */
export interface Bytes {
  readonly received: number;
  readonly sent: number;
}

/** The bench's own connection: it looks at the server while a crew works. */
export class Traffic {
  private constructor(
    readonly redis: Redis,
    private readonly url: string,
  ) {}

  static async open(url: string): Promise<Traffic> {
    const redis = new Redis(url, { lazyConnect: true });
    await redis.connect();
    return new Traffic(redis, url);
  }

  /** From the server's own counters. */
  async bytes(): Promise<Bytes> {
    const info = await this.redis.info('stats');
    const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN);
    return { received: field('total_net_input_bytes'), sent: field('total_net_output_bytes') };
  }

  /** Every command the server runs while `work` is under way, in order, without this connection's own. */
  async listen<T>(work: () => Promise<T>): Promise<{ result: T; lines: MonitorLine[] }> {
    const { hostname, port } = new URL(this.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write('MONITOR\r\n');
    try {
      while (chunks.length === 0) await sleep(1);
      const result = await work();
      // Redis writes what it saw before it answers a later command of anybody.
      const mark = `seen ${String(performance.now())}`;
      await this.redis.echo(mark);
      const before = performance.now();
      while (!Buffer.concat(chunks.slice(-2)).includes(mark) && performance.now() - before < 5_000) await sleep(1);
      const lines = Buffer.concat(chunks).toString().split('\r\n');
      return { result, lines: lines.flatMap((line) => parseMonitorLine(line) ?? []).filter(notOurs) };
    } finally {
      socket.destroy();
    }
  }

  async close(): Promise<void> {
    await this.redis.quit();
  }
}

function notOurs({ command }: MonitorLine): boolean {
  return command !== 'echo' && command !== 'info';
}
