/** Reads the requests of one client from the chunks of its connection. */
export class RespRequests {
  private buffer = Buffer.alloc(0);

  /** The requests that are complete with this chunk. */
  read(chunk: Buffer): string[][] {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    const requests: string[][] = [];
    for (;;) {
      const next = this.next();
      if (next === undefined) return requests;
      requests.push(next);
    }
  }

  private next(): string[] | undefined {
    let at = 0;
    const line = (): string | undefined => {
      const end = this.buffer.indexOf('\r\n', at);
      if (end === -1) return undefined;
      const text = this.buffer.toString('utf8', at, end);
      at = end + 2;
      return text;
    };
    const count = Number(line()?.slice(1));
    const words: string[] = [];
    while (words.length < count) {
      const length = Number(line()?.slice(1));
      if (Number.isNaN(length) || this.buffer.length < at + length + 2) return undefined;
      words.push(this.buffer.toString('utf8', at, at + length));
      at += length + 2;
    }
    if (Number.isNaN(count)) return undefined;
    this.buffer = this.buffer.subarray(at);
    return words;
  }
}
