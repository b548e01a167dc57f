import type { IncomingMessage } from 'node:http';
import { ControlError } from './control-error.js';

const mostBytes = 4_096;

/** The JSON body of a control. All of its members must be known and valid. */
export class RequestBody {
  private constructor(private readonly values: Record<string, unknown>) {}

  /** An empty body stands for `{}`. */
  static async read(request: IncomingMessage): Promise<RequestBody> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostBytes)
        throw new ControlError(413, `The body must not be longer than ${String(mostBytes)} bytes.`);
      chunks.push(chunk);
    }
    return new RequestBody(parse(Buffer.concat(chunks).toString()));
  }

  /** @throws ControlError if there is anything else than `names` */
  only(...names: string[]): this {
    for (const name of Object.keys(this.values)) {
      if (names.includes(name)) continue;
      const known = names.length === 0 ? 'nothing' : names.join(', ');
      throw new ControlError(400, `"${name.slice(0, 40)}" is unknown. Known: ${known}.`);
    }
    return this;
  }

  whole(name: string, min: number, max: number): number {
    const value = this.values[name];
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new ControlError(400, `"${name}" must be a whole number from ${String(min)} to ${String(max)}.`);
  }

  text(name: string): string {
    const value = this.values[name];
    if (typeof value === 'string') return value;
    throw new ControlError(400, `"${name}" must be a string.`);
  }
}

function parse(text: string): Record<string, unknown> {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new ControlError(400, 'The body must be a JSON object.');
}
