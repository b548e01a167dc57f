import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { ending } from '../../services/cleanup.js';
import { EventStream } from '../live/event-stream.js';
import { ControlError } from './control-error.js';
import { RequestBody } from './request-body.js';
import { checkRequest } from './request-check.js';

/** Runs a control and returns what happened, in one sentence for the page. */
export type ControlAction = (body: RequestBody) => string | Promise<string>;

/** The routes of the server. */
export interface ControlRoutes {
  /** The data that can be read, by path. */
  readonly reads: Readonly<Record<string, () => unknown>>;
  /** Returns `null` if there is no such control. */
  readonly action: (path: string) => ControlAction | null;
  /** Called when a page connects; the returned function is called when it disconnects. */
  readonly onStream: (stream: EventStream) => () => void;
}

const mostStreams = 50;

/** The controls over HTTP, on 127.0.0.1 only, below `/controls`. */
export class ControlServer {
  private routes: ControlRoutes | null = null;
  private readonly streams = new Set<EventStream>();

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<ControlServer> {
    const server = createServer();
    const controls = new ControlServer(server);
    server.on(
      'request',
      (request: IncomingMessage, response: ServerResponse) => void controls.handle(request, response),
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return controls;
  }

  get url(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('The controls do not listen.');
    return `http://127.0.0.1:${String(address.port)}`;
  }

  /** Until this is called, every control replies that the shop is starting. */
  serve(routes: ControlRoutes): void {
    this.routes = routes;
  }

  send(event: string, data: unknown): void {
    if (this.streams.size === 0) return;
    const json = JSON.stringify(data);
    for (const stream of this.streams) stream.send(event, json);
  }

  close(): void {
    for (const stream of this.streams) stream.end();
    this.server.close();
    this.server.closeIdleConnections();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkRequest(request);
      const { routes } = this;
      if (routes === null) throw new ControlError(503, 'The shop is starting.');
      const path = new URL(request.url ?? '', 'http://localhost').pathname.replace(/^\/controls\//, '');
      if (request.method === 'GET') this.read(routes, path, response);
      else await this.act(routes, path, request, response);
    } catch (error) {
      // The page is disconnected, or the shop is stopping.
      if (response.destroyed || ending.aborted) {
        response.destroy();
        return;
      }
      const known = error instanceof ControlError;
      if (!known) console.error(error);
      const status = known ? error.status : 500;
      answer(response, status, {
        message: known ? error.message : 'That failed: see the terminal in which the shop was started.',
      });
    }
  }

  private read(routes: ControlRoutes, path: string, response: ServerResponse): void {
    if (path === 'events') {
      this.open(routes, response);
      return;
    }
    const read = Object.hasOwn(routes.reads, path) ? routes.reads[path] : undefined;
    if (read !== undefined) answer(response, 200, read());
    else if (routes.action(path) !== null) throw new ControlError(405, 'This is a control: use POST.');
    else throw new ControlError(404, 'There is no such path.');
  }

  private async act(
    routes: ControlRoutes,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (request.method !== 'POST') throw new ControlError(405, 'Use POST for a control, and GET to read.');
    const action = routes.action(path);
    if (action === null) throw new ControlError(404, 'There is no such control.');
    const body = await RequestBody.read(request);
    answer(response, 200, { message: await action(body) });
  }

  private open(routes: ControlRoutes, response: ServerResponse): void {
    if (this.streams.size >= mostStreams) throw new ControlError(503, 'Too many pages are open.');
    const stream = new EventStream(response);
    this.streams.add(stream);
    const close = routes.onStream(stream);
    stream.onClose(() => {
      this.streams.delete(stream);
      close();
    });
  }
}

function answer(response: ServerResponse, status: number, content: unknown): void {
  if (response.headersSent) return;
  // The rest of a rejected body is not read.
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 413 ? { Connection: 'close' } : {}),
  });
  response.end(JSON.stringify(content));
}
