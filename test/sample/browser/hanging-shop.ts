import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { report } from './reports.js';

const types: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

/** Serves the page, and a stream that stops to speak when it is told to. It has no controls. */
export class HangingShop {
  /** How many streams are open now. */
  get openStreams(): number {
    return this.open.size;
  }

  /** How often the stream was asked for. */
  streams = 0;
  hangs = false;
  private readonly open = new Set<ServerResponse>();
  private readonly timer = setInterval(() => this.speak(), 100);
  private seq = 0;

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async start(page: URL): Promise<HangingShop> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const shop = new HangingShop(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    server.on('request', (request, response) => {
      const path = request.url === '/live' ? '/live/index.html' : (request.url ?? '');
      if (path === '/live/events') shop.stream(response);
      else if (path.startsWith('/live/')) void sendFile(new URL(path.slice('/live/'.length), page), response);
      else response.writeHead(404, { 'Content-Length': 2 }).end('{}');
    });
    return shop;
  }

  /** Breaks all streams off. */
  cut(): void {
    for (const response of this.open) response.destroy();
    this.open.clear();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.cut();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private stream(response: ServerResponse): void {
    this.streams += 1;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
  }

  private speak(): void {
    if (this.hangs) return;
    const data = JSON.stringify(report('replica-1', { seq: ++this.seq }));
    for (const response of this.open) response.write(`event: report\ndata: ${data}\n\n`);
  }
}

async function sendFile(file: URL, response: ServerResponse): Promise<void> {
  try {
    const content = await readFile(file);
    response.writeHead(200, {
      'Content-Type': types[extname(file.pathname)] ?? 'text/plain',
      'Content-Security-Policy': "default-src 'self'",
    });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}
