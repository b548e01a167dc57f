/** A command as it was sent. */
export interface Request {
  /** In lower case: `set`, `evalsha` … */
  readonly name: string;
  readonly args: readonly string[];
  readonly bytes: Buffer;
}

const CR = 13;
const LF = 10;

/** Cuts what a client sends into commands: arrays of bulk strings, as every client library sends them. */
export class RequestReader {
  private rest: Buffer = Buffer.alloc(0);

  /** The commands that are complete with `chunk`. */
  read(chunk: Buffer): Request[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const requests: Request[] = [];
    for (let request = this.next(); request !== null; request = this.next()) requests.push(request);
    return requests;
  }

  private next(): Request | null {
    let begin = 0;
    // A replica that is still loading sends empty lines to its master. They are passed on with the next command.
    while (this.rest[begin] === LF) begin += 1;
    const count = this.number(begin, '*');
    if (count === null) return null;
    let position = count.end;
    const words: string[] = [];
    for (let index = 0; index < count.value; index += 1) {
      const length = this.number(position, '$');
      if (length === null || this.rest.length < length.end + length.value + 2) return null;
      words.push(this.rest.toString('utf8', length.end, length.end + length.value));
      position = length.end + length.value + 2;
    }
    const bytes = this.rest.subarray(0, position);
    this.rest = this.rest.subarray(position);
    const [name = '', ...args] = words;
    return { name: name.toLowerCase(), args, bytes };
  }

  /** The number of a line such as `*3` or `$5`, and where the next line begins. */
  private number(position: number, sign: string): { value: number; end: number } | null {
    const lineEnd = this.rest.indexOf(CR, position);
    if (lineEnd === -1 || this.rest.length < lineEnd + 2) return null;
    const line = this.rest.toString('latin1', position, lineEnd);
    if (!line.startsWith(sign)) throw new Error(`Not a command of Redis: ${JSON.stringify(line.slice(0, 40))}`);
    return { value: Number(line.slice(1)), end: lineEnd + 2 };
  }
}
