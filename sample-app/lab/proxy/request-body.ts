import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** Far more than any request of the shop needs. */
const mostBytes = 1_048_576;

/** The body of a request, kept so that it can be sent again to another replica. */
export class RequestBody {
  private constructor(private readonly chunks: readonly Buffer[]) {}

  /** @returns `undefined` if the body is too large */
  static async read(request: IncomingMessage): Promise<RequestBody | undefined> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // The connection must stay open for the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostBytes) return undefined;
      chunks.push(chunk);
    }
    return new RequestBody(chunks);
  }

  /** A new stream of it for each attempt. */
  stream(): Readable {
    return Readable.from(this.chunks, { objectMode: false });
  }
}
