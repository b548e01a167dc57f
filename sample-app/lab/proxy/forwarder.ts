import { Agent } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createProxyServer } from 'httpxy';
import type { Target } from './target.js';
import { RequestBody } from './request-body.js';
import type { Targets } from './targets.js';

/** A request with one of these methods may be sent twice: RFC 9110, section 9.2.2. */
const idempotent: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

const controlsPath = /^\/controls([/?]|$)/;

/** Forwards requests to the replicas in turn, and requests for the controls to the control server, if there is one. */
export class Forwarder {
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 4_096 });
  private readonly proxy = createProxyServer({ agent: this.agent, xfwd: true });
  private readonly streams = new Set<ServerResponse>();
  /** The replica that a client's request was sent to last. */
  private readonly asked = new WeakMap<IncomingMessage, Target>();

  constructor(
    private readonly targets: Targets,
    private readonly controls: string | undefined,
  ) {
    this.proxy.on('proxyReq', (outgoing: ClientRequest, request: IncomingMessage) => {
      // Any other request stays with its replica, since it may be partly done.
      if (idempotent.has(request.method)) this.asked.get(request)?.track(outgoing);
    });
    this.proxy.on('proxyRes', (incoming: IncomingMessage, _request: IncomingMessage, response: ServerResponse) => {
      if (incoming.headers['content-type']?.startsWith('text/event-stream') !== true) return;
      this.streams.add(response);
      response.once('close', () => this.streams.delete(response));
    });
  }

  forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return controlsPath.test(request.url ?? '')
      ? this.toControls(request, response)
      : this.toReplica(request, response);
  }

  /** Streams have no end of their own. */
  endStreams(): void {
    for (const stream of this.streams) stream.destroy();
  }

  close(): void {
    this.agent.destroy();
  }

  private async toControls(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.controls === undefined) {
      answer(response, 404, 'There are no controls here.');
      return;
    }
    try {
      await this.proxy.web(request, response, { target: this.controls });
    } catch {
      answer(response, 502, 'The controls did not answer.');
    }
  }

  private async toReplica(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await RequestBody.read(request).catch(() => 'aborted' as const);
    if (body === 'aborted') return;
    if (body === undefined) {
      response.setHeader('Connection', 'close');
      answer(response, 413, 'The body is too large.');
      return;
    }
    for (const target of this.targets.order()) {
      try {
        this.asked.set(request, target);
        await this.proxy.web(request, response, { target: target.address, buffer: body.stream() });
        return;
      } catch (error) {
        if (response.headersSent || response.closed) break;
        if (!idempotent.has(request.method) && !neverSent(error)) break;
      }
    }
    answer(response, 502, 'No replica answered.');
  }
}

/** Whether there was no connection yet: the replica cannot have seen anything of the request. */
function neverSent(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'connect';
}

function answer(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) {
    // Half an answer must not look like a whole one.
    response.destroy();
    return;
  }
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ message }));
}
