import { createHash } from 'node:crypto';

/** A Lua script, and the digest by which EVALSHA runs it once it is loaded. */
export class Script {
  readonly source: string;
  readonly sha1: string;

  constructor(source: string) {
    this.source = source.trim();
    this.sha1 = createHash('sha1').update(this.source).digest('hex');
  }
}
