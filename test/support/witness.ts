/** Stands outside the lock and watches what runs under it: how many at once, in which order of tokens. */
export class Witness {
  readonly tokens: number[] = [];
  most = 0;
  private inside = 0;

  /** Runs `work` as the section of the lease with this token. */
  async watch<T>(token: number, work: () => Promise<T> | T): Promise<T> {
    this.inside += 1;
    this.most = Math.max(this.most, this.inside);
    this.tokens.push(token);
    try {
      return await work();
    } finally {
      this.inside -= 1;
    }
  }

  /** Whether every token was larger than the one before. */
  get tokensGrew(): boolean {
    return this.tokens.every((token, index) => index === 0 || token > this.tokens[index - 1]!);
  }
}

/** A resource that a fencing token guards: it keeps the largest it has seen and refuses what is smaller. */
export class FencedResource {
  readonly written: string[] = [];
  private largest = 0;

  /** `false` if somebody with a larger token was here before. */
  write(token: number, value: string): boolean {
    if (token < this.largest) return false;
    this.largest = token;
    this.written.push(value);
    return true;
  }
}
