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
 * The largest number of requests in one call. With several calls, the server works on the first while the next is
 * written, and no script blocks other clients for long.
 */
export const LIMIT = 32;

/** A script that serves any number of requests in one call, with its arguments and replies. */
export interface BatchedScript<Request, Reply> {
  readonly script: Script;
  /** Whether a request may share a call with `first`: the common arguments of the call must be the same for both. */
  readonly fits: (first: Request, request: Request) => boolean;
  readonly pushKeys: (args: RedisArgument[], request: Request) => void;
  readonly pushArgs: (args: RedisArgument[], requests: readonly [Request, ...Request[]]) => void;
  /** How long after the request was sent its reply can be used, in ms. Default: the timeout. */
  readonly usefulMs?: (request: Request) => number;
  /** Tracks requests that may be executed after their timeout, or after their connection was closed. */
  readonly abandoned?: AbandonedWatch<Request>;
  /** See `Sender`. */
  readonly asking?: boolean;
  /** Converts the script's reply to one request: a status other than -1, and a detail. */
  readonly read: (status: number, detail: unknown, request: Request, inFlight: InFlightRequest) => Reply;
}

/** Tracks requests whose outcome matters even if their reply is late or lost. */
export interface AbandonedWatch<Request> {
  onOverdue(request: Request): void;
  /** Called with the reply to an overdue request; `undefined` if none will arrive. */
  onLate(request: Request, reply: unknown, index: number): void;
  /** Called when the request may still be executed within `ms` although its connection was closed. */
  onCut(request: Request, ms: number): void;
}

/** One request, and where its reply goes. */
export interface Asked<Request, Reply> extends ReplySlot<Reply> {
  readonly request: Request;
}

/**
 * Requests that are sent as one call. Each request has its own reply or error. If all succeeded with the same detail,
 * the script replies with that number only.
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
      // Something between client and server may have changed the reply to an executed request, so the outcome is
      // unknown.
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
      // An overdue acquire must not be sent again, since a release may already follow it.
      if (!this.overdue || this.batched.abandoned === undefined) {
        this.sendOneByOne();
        return;
      }
    }
    for (const asked of this.asked) asked.reject(error);
  }

  /** Called when the server rejected the whole call, so that no request was executed. */
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

/** Sends `asked` as one call, at once if the connection is ready. All of them must fit the first. */
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
 * Runs one kind of request: requests of the same tick are sent as one call, and each has its own reply. Requests with
 * another timeout are sent in a separate call, so that a short timeout does not affect the others.
 */
export class ScriptBatch<Request extends { readonly name: string }, Reply> {
  /**
   * The calls that are sent at the end of this tick; if not all locks may share a call, each group has its own list.
   */
  private open: Open<Request, Reply>[] = [];
  private readonly groups = new Map<KeyGroup, Open<Request, Reply>[]>();
  private waiting = false;

  constructor(
    private readonly scripts: ScriptCaller,
    private readonly batched: BatchedScript<Request, Reply>,
  ) {}

  /** Rejects with `LockNameError` if the keys of a lock must be in one hash slot and are not. */
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
    // Before input and timers, and after promise callbacks that are due if this runs in one: that collects the most
    // requests without a delay.
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
