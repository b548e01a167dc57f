import { LockUnavailableError } from '../errors/index.js';

/**
 * A request got no reply within its timeout. For retries and messages it has failed, but a late reply is still of use, and
 * while the connection stands it is pointless to send the same request again.
 */
export class OverdueError<Reply = unknown> extends LockUnavailableError {
  /** Settles with the late reply; rejects when none can come, or none that would be of use. */
  readonly reply: Promise<Reply>;

  constructor(what: string, reply: Promise<Reply>) {
    super(what, undefined, { retryable: true, outcomeUnknown: true });
    this.reply = reply;
    Object.defineProperty(this, 'reply', { enumerable: false });
  }
}

/** The two ends by which one request is answered. */
export interface ReplySlot<Reply> {
  resolve: (reply: Reply) => void;
  reject: (error: LockUnavailableError) => void;
}

/** Rejects `slot` as overdue, and makes it take the late reply. */
export function makeOverdue<Reply>(slot: ReplySlot<Reply>, { reason }: LockUnavailableError): void {
  const { reject } = slot;
  const reply = new Promise<Reply>((resolveLate, rejectLate) => {
    slot.resolve = resolveLate;
    slot.reject = rejectLate;
  });
  // Not every sender waits for a late reply.
  reply.catch(() => undefined);
  reject(new OverdueError(reason, reply));
}

/** The reply to a request, in time or late. `onOverdue` runs when its timeout is over. */
export async function orLate<Reply>(
  request: Promise<Reply>,
  onOverdue: (error: LockUnavailableError) => void,
): Promise<Reply> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof OverdueError)) throw error;
    onOverdue(error);
    return error.reply as Promise<Reply>;
  }
}
