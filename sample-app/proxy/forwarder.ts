import { Agent } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createProxyServer } from 'httpxy';
import type { Target } from './target.js';
import type { Targets } from './targets.js';

const controlsPath = /^\/controls([/?]|$)/;

/** Passes requests on to the replicas in turns, and those for the controls to where these are, if they are anywhere. */
export class Forwarder {
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 4_096 });
  private readonly proxy = createProxyServer({ agent: this.agent, xfwd: true });
  private readonly streams = new Set<ServerResponse>();
  /** Who is being asked, by the request of the client. */
  private readonly asked = new WeakMap<IncomingMessage, Target>();

  constructor(
    private readonly targets: Targets,
    private readonly controls: string | undefined,
  ) {
    this.proxy.on('proxyReq', (outgoing: ClientRequest, request: IncomingMessage) => {
      // A change is left to the replica that has it: nobody knows how far it got.
      if (request.method === 'GET') this.asked.get(request)?.track(outgoing);
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
    for (const target of this.targets.order()) {
      try {
        this.asked.set(request, target);
        await this.proxy.web(request, response, { target: target.url });
        return;
      } catch {
        // A replica that died: a read can be asked again elsewhere, a change might be made twice.
        if (request.method !== 'GET' || response.headersSent || response.closed) break;
      }
    }
    answer(response, 502, 'No replica answered.');
  }
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
