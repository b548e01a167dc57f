import type { LockUnavailableError } from '../../errors/index.js';
import type { Flight, LateAnswer, Sender } from './flight.js';
import type { RedisArgument } from './redis-client.js';
import type { ScriptCaller } from './script-caller.js';
import type { Script } from './script.js';

/** How many requests one call may hold. */
export const LIMIT = 128;

/** A script that serves any number of requests in one call, and how to speak to it. */
export interface BatchedScript<Request, Reply> {
  readonly script: Script;
  /** Whether a request may go in the call that `first` opened: what comes once in a call has to suit both. */
  readonly fits: (first: Request, request: Request) => boolean;
  readonly pushKeys: (args: RedisArgument[], request: Request) => void;
  readonly pushArgs: (args: RedisArgument[], requests: readonly [Request, ...Request[]]) => void;
  /** Who has to hear of an answer that comes after the requests were given up. */
  readonly late?: (requests: readonly Request[]) => LateAnswer;
  /** Reads what the script answered to one request: a status other than -1, and a detail. */
  readonly read: (status: number, detail: unknown, request: Request, flight: Flight) => Reply;
}

/** One request, and who waits for its reply. */
export interface Asked<Request, Reply> {
  readonly request: Request;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: LockUnavailableError) => void;
}

/** Requests that go out as one call. Each is answered by itself: an error in the place of a reply is that request's own. */
class Call<Request extends { readonly name: string }, Reply> implements Sender {
  constructor(
    private readonly scripts: ScriptCaller,
    private readonly batched: BatchedScript<Request, Reply>,
    private readonly asked: readonly Asked<Request, Reply>[],
  ) {}

  send(timeoutMs: number): void {
    const { batched } = this;
    const requests = this.asked.map(({ request }) => request) as [Request, ...Request[]];
    const args: RedisArgument[] = [0];
    for (const request of requests) batched.pushKeys(args, request);
    args[0] = args.length - 1;
    batched.pushArgs(args, requests);
    this.scripts.send(batched.script, args, timeoutMs, this, batched.late?.(requests));
  }

  onReply(value: unknown, flight: Flight): void {
    const flat = Array.isArray(value) ? (value as unknown[]) : [1, value];
    let place = 0;
    for (const { request, resolve, reject } of this.asked) {
      const status = Number(flat[place]);
      const detail = flat[place + 1];
      place += 2;
      if (status === -1) reject(this.scripts.refusal(new Error(String(detail)), request.name));
      else resolve(this.batched.read(status, detail, request, flight));
    }
  }

  onFailure(error: LockUnavailableError): void {
    for (const { reject } of this.asked) reject(error);
  }
}

/** Sends `asked` as one call, at once if the connection is ready. All of them have to fit the first. */
export function sendCall<Request extends { readonly name: string }, Reply>(
  scripts: ScriptCaller,
  batched: BatchedScript<Request, Reply>,
  asked: readonly Asked<Request, Reply>[],
  timeoutMs: number,
): void {
  new Call(scripts, batched, asked).send(timeoutMs);
}

interface Open<Request, Reply> {
  readonly timeoutMs: number;
  readonly asked: Asked<Request, Reply>[];
}

/**
 * Runs one kind of request: what is asked in one turn of the event loop goes out as one call, and each request is
 * answered by itself. Requests with another time limit go in a call of their own, so that a short limit does not cut the
 * others off.
 */
export class ScriptBatch<Request extends { readonly name: string }, Reply> {
  /** The calls to be sent at the end of this turn, by hash slot. */
  private readonly open = new Map<number, Open<Request, Reply>[]>();

  constructor(
    private readonly scripts: ScriptCaller,
    private readonly batched: BatchedScript<Request, Reply>,
    private readonly slotOf?: (name: string) => number,
  ) {}

  /** Rejects with `LockNameError` where a name has no single slot. */
  run(request: Request, timeoutMs: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.add({ request, resolve, reject }, timeoutMs, this.slotOf?.(request.name) ?? 0);
    });
  }

  private add(asked: Asked<Request, Reply>, timeoutMs: number, slot: number): void {
    // After all promise callbacks of this turn, before any input or timer: gathers the most and waits for nothing.
    if (this.open.size === 0) process.nextTick(this.flush);
    const calls = this.open.get(slot);
    if (calls === undefined) {
      this.open.set(slot, [{ timeoutMs, asked: [asked] }]);
      return;
    }
    const call = calls.findLast((open) => this.hasRoom(open, asked, timeoutMs));
    if (call === undefined) calls.push({ timeoutMs, asked: [asked] });
    else call.asked.push(asked);
  }

  private hasRoom(open: Open<Request, Reply>, { request }: Asked<Request, Reply>, timeoutMs: number): boolean {
    const [first] = open.asked as [Asked<Request, Reply>];
    return open.timeoutMs === timeoutMs && open.asked.length < LIMIT && this.batched.fits(first.request, request);
  }

  private readonly flush = (): void => {
    const slots = [...this.open.values()];
    this.open.clear();
    for (const calls of slots) {
      for (const { asked, timeoutMs } of calls) sendCall(this.scripts, this.batched, asked, timeoutMs);
    }
  };
}
