import { LockUnavailableError } from '../../../errors/index.js';
import { Deadline } from '../../../time/deadlines.js';
import { now } from '../../../time/instant.js';
import type { ConnectionWatch } from '../connection/connection-watch.js';
import { isServerError, refused, unanswered } from '../connection/server-error.js';

/** The sender of a request, which receives its outcome. Either `onReply` or `onFailure` is called, once. */
export interface Sender {
  /**
   * How long after the request was sent its reply can be used, in ms. A late reply is used only if this is longer than
   * the timeout.
   */
  readonly usefulMs: number;
  /** Whether the request is for a hash slot that is moving to the node. */
  readonly asking?: boolean;
  onReply(value: unknown, inFlight: InFlightRequest): void;
  onFailure(error: LockUnavailableError): void;
  /** Called when the timeout is over. The request is still in flight, and a late reply goes to `onReply`. */
  onOverdue(error: LockUnavailableError): void;
  /**
   * Called once after `onOverdue`, with the late reply; `undefined` if the reply is an error, or none can arrive any
   * more.
   */
  onLate?(value: unknown): void;
  /** Called when the connection was closed during the request, which may still be executed within `ms`. */
  onCut?(ms: number): void;
}

/**
 * One request to Redis, from the moment it is sent until no reply can arrive any more:
 *
 * - `open`: until a reply, an error, or the timeout, which calls `onOverdue`.
 * - `overdue`: until a late reply, which goes to `onLate` and `onReply`, or until `usefulMs`, which calls `onFailure`.
 *   Left out if late replies cannot be used.
 * - `done`: the sender has its outcome. A reply that still arrives goes to `onLate` only.
 */
export class InFlightRequest extends Deadline {
  /** When the request was sent. */
  readonly sentAt = now();
  private state: 'open' | 'overdue' | 'done' = 'open';
  private readonly cuts: number;
  private readonly answers: number;

  constructor(
    private readonly connection: ConnectionWatch,
    private readonly timeoutMs: number,
    private readonly sender: Sender,
  ) {
    super();
    this.cuts = connection.cuts;
    this.answers = connection.answers;
    connection.inFlightRequests.add(this, this.sentAt.mono + timeoutMs);
  }

  /** Whether its timeout has not passed. */
  get open(): boolean {
    return this.state === 'open';
  }

  /** Whether the connection was closed meanwhile, so that ioredis may have sent the request twice. */
  get maybeResent(): boolean {
    return this.cuts !== this.connection.cuts;
  }

  onReply(value: unknown): void {
    this.connection.onAnswered();
    if (!this.end(value)) this.sender.onReply(value, this);
  }

  onError(error: unknown): void {
    const served = isServerError(error);
    if (served) this.connection.onAnswered();
    else this.connection.onBroken();
    if (!served) this.sender.onCut?.(this.connection.lateArrivalMs);
    if (this.end(undefined)) return;
    if (served) this.connection.onRefused(error);
    if (!served) this.sender.onFailure(unanswered(error));
    // If ioredis sent the request twice, the server may have executed it the first time.
    else this.sender.onFailure(refused(error, undefined, this.connection.adviceOn(error), this.maybeResent));
  }

  /**
   * Called when the server did not know the script, and it is too late to send it in full, since a release may already
   * follow this request.
   */
  onUnknownScript(): void {
    this.connection.onAnswered();
    if (this.end(undefined)) return;
    const what = 'Redis did not know the script, and said so too late.';
    const outcomeUnknown = this.maybeResent;
    this.sender.onFailure(new LockUnavailableError(what, undefined, { retryable: true, outcomeUnknown }));
  }

  /**
   * Called when the connection was closed.
   *
   * @param final whether no reply can arrive any more, since the client does not send the request again
   */
  onCut(final: boolean): void {
    const { state } = this;
    this.sender.onCut?.(this.connection.lateArrivalMs);
    if (final) this.end(undefined);
    else if (state === 'overdue') this.stopWaiting();
    if (final ? state !== 'done' : state === 'overdue') {
      this.sender.onFailure(unanswered(new Error('connection closed')));
    }
  }

  override onDue(): void {
    const { connection, sender, timeoutMs } = this;
    const late = this.state === 'overdue';
    const what = `Redis did not answer within ${String(late ? sender.usefulMs : timeoutMs)} ms.`;
    const error = new LockUnavailableError(what, undefined, { retryable: true, outcomeUnknown: true });
    if (!late) {
      this.state = 'overdue';
      connection.onOverdue(this, timeoutMs, this.answers);
      sender.onOverdue(error);
    }
    // After a reconnection it is unknown whether the client sends the request again, so the sender does not wait for
    // the late reply.
    if (late || sender.usefulMs <= timeoutMs || this.maybeResent || connection.disposed) {
      this.stopWaiting();
      sender.onFailure(error);
    } else connection.inFlightRequests.add(this, this.sentAt.mono + sender.usefulMs);
  }

  /** The sender gets no reply, but a late one may still show what was done. */
  private stopWaiting(): void {
    this.state = 'done';
    this.connection.inFlightRequests.remove(this);
  }

  /** Ends the request. Returns whether its sender already had the outcome. */
  private end(value: unknown): boolean {
    const { connection, state } = this;
    this.state = 'done';
    connection.inFlightRequests.remove(this);
    if (state !== 'open' && connection.overdue.delete(this)) this.sender.onLate?.(value);
    return state === 'done';
  }
}
