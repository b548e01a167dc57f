import type { LockUnavailableError } from '../../errors/index.js';
import { Batcher } from './batcher.js';
import type { RedisArgument } from './redis-client.js';
import type { LateAnswer, ScriptCaller, ScriptReply } from './script-caller.js';
import type { Script } from './script.js';

/** How many requests one call may hold. */
export const LIMIT = 128;

/** A script that serves any number of requests in one call, and how to speak to it. */
export interface BatchedScript<Request, Reply> {
  readonly script: Script;
  /** Arguments that come once, before those of the requests. */
  readonly head: readonly RedisArgument[];
  readonly keys: (request: Request) => string[];
  readonly args: (request: Request) => RedisArgument[];
  /** Reads what the script answered to one request: a status other than -1, and a detail. */
  /** Who has to hear of an answer that comes after the requests were given up. */
  readonly late?: (requests: readonly Request[]) => LateAnswer;
  readonly read: (status: number, detail: unknown, request: Request, reply: ScriptReply) => Reply;
}

/** Runs one kind of request: what is asked in one turn goes out as one call, and each request is answered by itself. */
export class ScriptBatch<Request extends { readonly name: string }, Reply> {
  private readonly batcher = new Batcher<Request, Reply>(
    (requests, timeoutMs) => runBatch(this.scripts, this.batched, requests, timeoutMs),
    LIMIT,
  );

  constructor(
    private readonly scripts: ScriptCaller,
    private readonly batched: BatchedScript<Request, Reply>,
    private readonly slotOf?: (name: string) => number,
  ) {}

  /** Rejects with `LockNameError` where a name has no single slot. */
  run(request: Request, timeoutMs: number): Promise<Reply> {
    const { slotOf } = this;
    if (slotOf === undefined) return this.batcher.add(request, timeoutMs, 0);
    return this.runInSlot(request, timeoutMs, slotOf);
  }

  private async runInSlot(request: Request, timeoutMs: number, slotOf: (name: string) => number): Promise<Reply> {
    return this.batcher.add(request, timeoutMs, slotOf(request.name));
  }
}

/**
 * Runs one call for `requests`, at once if the connection is ready. An error in the place of a reply is that request's own.
 */
export async function runBatch<Request extends { readonly name: string }, Reply>(
  scripts: ScriptCaller,
  batched: BatchedScript<Request, Reply>,
  requests: Request[],
  timeoutMs: number,
): Promise<(Reply | LockUnavailableError)[]> {
  const { script, head, keys, args, read, late } = batched;
  const reply = await scripts.call(
    script,
    requests.flatMap(keys),
    [...head, ...requests.flatMap(args)],
    timeoutMs,
    late?.(requests),
  );
  const flat = reply.value as unknown[];
  return requests.map((request, index) => {
    const status = Number(flat[2 * index]);
    const detail = flat[2 * index + 1];
    if (status === -1) return scripts.refusal(new Error(String(detail)), request.name);
    return read(status, detail, request, reply);
  });
}
