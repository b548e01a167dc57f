import { LockUnavailableError } from '../../../errors/index.js';
import { onNextTick } from '../../../time/ticks.js';
import { isOneForAll, UnexpectedReply } from './answers.js';
import { makeOverdue, type ReplySlot } from '../../overdue-error.js';
import type { InFlightRequest, Sender } from './in-flight-request.js';
import type { KeyGroup } from './key-mixing.js';
import type { RedisArgument } from '../connection/redis-client.js';
import type { ScriptCaller } from './script-caller.js';
import type { Script } from '../lua/script.js';
import { isAboutKeys, isAboutMovingSlot, isServerError } from '../connection/server-error.js';

/**
 * How many requests one call may hold. More than one call of many requests lets the server work on the first while the
 * next is written, and no script of ours keeps other clients waiting for long.
 */
export const LIMIT = 32;

/** A script that serves any number of requests in one call, and how to speak to it. */
export interface BatchedScript<Request, Reply> {
  readonly script: Script;
  /** Whether a request may go in the call that `first` opened: what comes once in a call has to suit both. */
  readonly fits: (first: Request, request: Request) => boolean;
  readonly pushKeys: (args: RedisArgument[], request: Request) => void;
  readonly pushArgs: (args: RedisArgument[], requests: readonly [Request, ...Request[]]) => void;
  /** For how long after it was sent a reply can be used, in ms. Default: the timeout. */
  readonly usefulMs?: (request: Request) => number;
  /** Who follows requests that may be carried out after their timeout, or after their connection was closed. */
  readonly abandoned?: AbandonedWatch<Request>;
  /** See `Sender`. */
  readonly asking?: boolean;
  /** Reads what the script answered to one request: a status other than -1, and a detail. */
  readonly read: (status: number, detail: unknown, request: Request, inFlight: InFlightRequest) => Reply;
}

/** Follows requests whose outcome matters although their reply is late or lost. */
export interface AbandonedWatch<Request> {
  onOverdue(request: Request): void;
  /** The reply to a request that was overdue; `undefined`: none will come. */
  onLate(request: Request, reply: unknown, index: number): void;
  /** The request may still be carried out within `ms`, though its connection was closed. */
  onCut(request: Request, ms: number): void;
}

/** One request, and where its reply goes. */
export interface Asked<Request, Reply> extends ReplySlot<Reply> {
  readonly request: Request;
}

/**
 * Requests that go out as one call. Each is answered by itself, an error in the place of a reply is that request's own; if
 * all were done with the same detail, that number answers all of them.
 */
class Call<Request extends { readonly name: string }, Reply> implements Sender {
  private overdue = false;

  constructor(
    private readonly scripts: ScriptCaller,
    private readonly batched: BatchedScript<Request, Reply>,
    private readonly asked: readonly Asked<Request, Reply>[],
    private readonly timeoutMs: number,
  ) {}

  get usefulMs(): number {
    const [first] = this.asked as [Asked<Request, Reply>];
    return this.batched.usefulMs?.(first.request) ?? 0;
  }

  get asking(): boolean {
    return this.batched.asking ?? false;
  }

  send(): void {
    const { batched } = this;
    const requests = this.asked.map(({ request }) => request) as [Request, ...Request[]];
    const args: RedisArgument[] = [0];
    for (const request of requests) batched.pushKeys(args, request);
    args[0] = args.length - 1;
    batched.pushArgs(args, requests);
    this.scripts.send(batched.script, args, this.timeoutMs, this);
  }

  onReply(value: unknown, inFlight: InFlightRequest): void {
    if (isOneForAll(value)) {
      for (const asked of this.asked) asked.resolve(this.batched.read(1, value, asked.request, inFlight));
    } else if (Array.isArray(value) && value.length === 2 * this.asked.length) this.onReplies(value, inFlight);
    else {
      // Whatever stands in between may have passed the request on.
      const cause = new UnexpectedReply();
      this.onFailure(
        new LockUnavailableError(cause.message, undefined, { cause, retryable: true, outcomeUnknown: true }),
      );
    }
  }

  private onReplies(replies: readonly unknown[], inFlight: InFlightRequest): void {
    let place = 0;
    for (const asked of this.asked) {
      const { request } = asked;
      const status = Number(replies[place]);
      const detail = replies[place + 1];
      place += 2;
      if (status === -1) asked.reject(this.scripts.refusal(new Error(String(detail)), request.name));
      else asked.resolve(this.batched.read(status, detail, request, inFlight));
    }
  }

  onFailure(error: LockUnavailableError): void {
    const { cause } = error;
    if (this.asked.length > 1 && cause instanceof Error && isAboutAllKeys(cause)) {
      this.scripts.mixing.onRejected(cause);
      // Once it is overdue, an acquire must not be sent again: a release may be behind it.
      if (!this.overdue || this.batched.abandoned === undefined) {
        this.sendOneByOne();
        return;
      }
    }
    for (const asked of this.asked) asked.reject(error);
  }

  /** The server rejected the call as a whole, so it carried out none of it. */
  private sendOneByOne(): void {
    const { scripts, batched, timeoutMs } = this;
    scripts.resends += 1;
    for (const each of this.asked) new Call(scripts, batched, [each], timeoutMs).send();
  }

  onOverdue(error: LockUnavailableError): void {
    this.overdue = true;
    const isOfUse = this.usefulMs > this.timeoutMs;
    for (const asked of this.asked) {
      this.batched.abandoned?.onOverdue(asked.request);
      if (isOfUse) makeOverdue(asked, error);
    }
  }

  onLate(value: unknown): void {
    for (const [index, { request }] of this.asked.entries()) this.batched.abandoned?.onLate(request, value, index);
  }

  onCut(ms: number): void {
    for (const { request } of this.asked) this.batched.abandoned?.onCut(request, ms);
  }
}

function isAboutAllKeys(error: Error): boolean {
  return isAboutMovingSlot(error) || (isServerError(error) && isAboutKeys(error));
}

/** Sends `asked` as one call, at once if the connection is ready. All of them have to fit the first. */
export function sendCall<Request extends { readonly name: string }, Reply>(
  scripts: ScriptCaller,
  batched: BatchedScript<Request, Reply>,
  asked: readonly Asked<Request, Reply>[],
  timeoutMs: number,
): void {
  new Call(scripts, batched, asked, timeoutMs).send();
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
  /** The calls to be sent at the end of this tick; where not all locks may share one, each group has its own list. */
  private open: Open<Request, Reply>[] = [];
  private readonly groups = new Map<KeyGroup, Open<Request, Reply>[]>();
  private waiting = false;

  constructor(
    private readonly scripts: ScriptCaller,
    private readonly batched: BatchedScript<Request, Reply>,
  ) {}

  /** Rejects with `LockNameError` where the keys of a lock have to be in one hash slot and are not. */
  run(request: Request, timeoutMs: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.add({ request, resolve, reject }, timeoutMs, this.callsFor(request.name));
    });
  }

  private callsFor(name: string): Open<Request, Reply>[] {
    const { mixing } = this.scripts;
    if (mixing.any) return this.open;
    const group = mixing.groupOf(name);
    let calls = this.groups.get(group);
    if (calls === undefined) this.groups.set(group, (calls = []));
    return calls;
  }

  private add(asked: Asked<Request, Reply>, timeoutMs: number, calls: Open<Request, Reply>[]): void {
    const call = calls.findLast((open) => this.hasRoom(open, asked, timeoutMs));
    if (call === undefined) calls.push({ timeoutMs, asked: [asked] });
    else call.asked.push(asked);
    if (this.waiting) return;
    this.waiting = true;
    // After all promise callbacks of this turn, before any input or timer: gathers the most and waits for nothing.
    onNextTick(this.flush);
  }

  private hasRoom(open: Open<Request, Reply>, { request }: Asked<Request, Reply>, timeoutMs: number): boolean {
    const [first] = open.asked as [Asked<Request, Reply>];
    return open.timeoutMs === timeoutMs && open.asked.length < LIMIT && this.batched.fits(first.request, request);
  }

  private readonly flush = (): void => {
    const { open } = this;
    this.waiting = false;
    this.open = [];
    this.send(open);
    if (this.groups.size === 0) return;
    const groups = [...this.groups.values()];
    this.groups.clear();
    for (const calls of groups) this.send(calls);
  };

  private send(calls: Open<Request, Reply>[]): void {
    for (const { asked, timeoutMs } of calls) sendCall(this.scripts, this.batched, asked, timeoutMs);
  }
}
