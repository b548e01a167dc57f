import { Agent, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';

export interface Served {
  /** From the moment all were sent off until this one was read to its end. */
  readonly ms: number;
  /** Empty if the response was correct. */
  readonly error: string;
}

/** Many readers of one address, each on a connection of its own, which it keeps between two rounds. */
export class Readers {
  private readonly agent: Agent;

  constructor(
    private readonly url: string,
    private readonly count: number,
    private readonly isRight: (body: Buffer) => boolean,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: count, maxFreeSockets: count });
  }

  /** Sends all readers at once. `onServed` is called with the number of readers served so far. */
  async readAtOnce(onServed: (served: number) => void = () => undefined): Promise<Served[]> {
    const started = performance.now();
    let done = 0;
    const one = async (): Promise<Served> => {
      const error = await this.read();
      done += 1;
      onServed(done);
      return { ms: performance.now() - started, error };
    };
    return Promise.all(Array.from({ length: this.count }, one));
  }

  /** Sends one reader; resolves with the time it took. Throws if the response is not correct. */
  async readAlone(): Promise<number> {
    const started = performance.now();
    const error = await this.read();
    if (error !== '') throw new Error(`A single read of ${this.url} failed: ${error}`);
    return performance.now() - started;
  }

  close(): void {
    this.agent.destroy();
  }

  private read(): Promise<string> {
    return new Promise((resolve) => {
      const request = get(this.url, { agent: this.agent }, (response) => {
        body(response).then(
          (bytes) => {
            if (response.statusCode !== 200) resolve(`status ${String(response.statusCode)}`);
            else resolve(this.isRight(bytes) ? '' : 'wrong catalog');
          },
          (error: unknown) => {
            resolve(String(error));
          },
        );
      });
      request.on('error', (error) => {
        resolve(error.message);
      });
    });
  }
}

async function body(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
