import { LockUnavailableError } from '../../errors/index.js';
import { Deadline } from '../../time/deadlines.js';
import { now } from '../../time/instant.js';
import type { ConnectionWatch } from './connection-watch.js';
import { isServerError, refused, unanswered } from './server-error.js';

/** Who a request is sent for. One of the two is called, once. */
export interface Sender {
  onReply(value: unknown, flight: Flight): void;
  onFailure(error: LockUnavailableError): void;
}

/** Hears of an answer that comes after its request was given up. */
export interface LateAnswer {
  onGivenUp(): void;
  /** @param value `undefined` if there will be none, or only an error */
  onAnswered(value: unknown): void;
}

/** One request on its way: it is answered, fails, is cut off or gets no answer in its time, whichever comes first. */
export class Flight extends Deadline {
  /** When the request was sent. */
  readonly sentAt = now();
  private over = false;
  private awaited: LateAnswer | undefined;
  private readonly cuts: number;
  private readonly answers: number;

  constructor(
    private readonly connection: ConnectionWatch,
    private readonly timeoutMs: number,
    private readonly sender: Sender,
    private readonly late: LateAnswer | undefined,
  ) {
    super();
    this.cuts = connection.cuts;
    this.answers = connection.answers;
    connection.flights.add(this, this.sentAt.mono, timeoutMs);
  }

  /** Whether somebody still waits for the answer. */
  get open(): boolean {
    return !this.over;
  }

  /** Whether the connection was cut meanwhile, so that ioredis may have sent the request twice. */
  get maybeResent(): boolean {
    return this.cuts !== this.connection.cuts;
  }

  onReply(value: unknown): void {
    this.connection.answers += 1;
    if (this.over) this.answerLate(value);
    else {
      this.end();
      this.sender.onReply(value, this);
    }
  }

  onError(error: unknown): void {
    const served = isServerError(error);
    if (served) this.connection.answers += 1;
    else this.connection.onBroken();
    if (this.over) this.answerLate(undefined);
    else {
      this.end();
      if (served) this.connection.onRefused(error);
      this.sender.onFailure(served ? refused(error, undefined, this.connection.adviceOn(error)) : unanswered(error));
    }
  }

  /** The connection was closed: no answer will come. */
  onCut(): void {
    if (this.over) this.answerLate(undefined);
    else {
      this.end();
      this.sender.onFailure(unanswered(new Error('connection closed')));
    }
  }

  override onDue(): void {
    this.connection.onUnanswered(this.sentAt.mono, this.answers);
    // Giving up the connection may have cut the request off.
    if (this.over) return;
    this.end();
    const what = `Redis did not answer within ${String(this.timeoutMs)} ms.`;
    this.sender.onFailure(new LockUnavailableError(what, undefined, { retryable: true, outcomeUnknown: true }));
    if (this.late === undefined) return;
    this.late.onGivenUp();
    this.awaited = this.late;
    this.connection.awaited.add(this);
  }

  private end(): void {
    this.over = true;
    this.connection.flights.remove(this);
  }

  private answerLate(value: unknown): void {
    if (this.awaited === undefined) return;
    this.connection.awaited.delete(this);
    const { awaited } = this;
    this.awaited = undefined;
    awaited.onAnswered(value);
  }
}
