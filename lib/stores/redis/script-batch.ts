import type { LockUnavailableError } from '../../errors/index.js';
import { Batcher } from './batcher.js';
import type { RedisArgument } from './redis-client.js';
import type { ScriptCaller, ScriptReply } from './script-caller.js';
import type { Script } from './script.js';

/** How many requests one call may hold. */
const LIMIT = 128;

/** A script that serves any number of requests in one call, and how to speak to it. */
export interface BatchedScript<Request, Reply> {
  readonly script: Script;
  /** Arguments that come once, before those of the requests. */
  readonly head: readonly RedisArgument[];
  readonly keys: (request: Request) => string[];
  readonly args: (request: Request) => RedisArgument[];
  /** Reads what the script answered to one request: a status other than -1, and a detail. */
  readonly read: (status: number, detail: unknown, request: Request, reply: ScriptReply) => Reply;
}

/** Runs one kind of request: what is asked in one turn goes out as one call, and each request is answered by itself. */
export class ScriptBatch<Request extends { readonly name: string }, Reply> {
  private readonly batcher = new Batcher<Request, Reply>(
    (requests, timeoutMs) => this.send(requests, timeoutMs),
    LIMIT,
  );

  constructor(
    private readonly scripts: ScriptCaller,
    private readonly batched: BatchedScript<Request, Reply>,
  ) {}

  run(request: Request, timeoutMs: number): Promise<Reply> {
    return this.batcher.add(request, timeoutMs);
  }

  private async send(requests: Request[], timeoutMs: number): Promise<(Reply | LockUnavailableError)[]> {
    const { script, head, keys, args, read } = this.batched;
    const reply = await this.scripts.call(
      script,
      requests.flatMap(keys),
      [...head, ...requests.flatMap(args)],
      timeoutMs,
    );
    const flat = reply.value as unknown[];
    return requests.map((request, index) => {
      const status = Number(flat[2 * index]);
      const detail = flat[2 * index + 1];
      if (status === -1) return this.scripts.refusal(new Error(String(detail)), request.name);
      return read(status, detail, request, reply);
    });
  }
}
