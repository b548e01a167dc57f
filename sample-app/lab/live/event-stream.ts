import type { ServerResponse } from 'node:http';

/** How soon a page reconnects after its stream was closed, in ms. */
const retryMs = 300;
/** How long a stream may take to pass on what was written before it is closed for good, in ms. */
const lastWordsMs = 500;

/**
 * A stream of server-sent events to one page. Events that a slow page cannot receive in time are dropped and counted,
 * so that the page shows the present state and this process needs no buffer.
 */
export class EventStream {
  /** How many events were left out. */
  dropped = 0;

  constructor(private readonly response: ServerResponse) {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // For proxies that would collect an answer before they pass it on.
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: ${String(retryMs)}\n\n`);
  }

  /**
   * @param json one line: what `JSON.stringify` makes
   * @returns whether it was sent
   */
  send(event: string, json: string): boolean {
    if (this.response.writableEnded || this.response.destroyed) return false;
    if (this.response.writableNeedDrain) {
      this.dropped += 1;
      return false;
    }
    this.response.write(`event: ${event}\ndata: ${json}\n\n`);
    return true;
  }

  /** Calls `listener` when the page is gone, or the stream is ended. */
  onClose(listener: () => void): void {
    this.response.once('close', listener);
  }

  /** Ends the stream; a blocked one is destroyed. */
  end(): void {
    this.response.end();
    const cut = setTimeout(() => this.response.destroy(), lastWordsMs);
    this.response.once('close', () => clearTimeout(cut));
  }
}
