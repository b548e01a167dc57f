import { LockUnavailableError } from '../errors/index.js';

/**
 * A request got no reply within its timeout. Retries and messages treat it as failed, but a late reply is still used,
 * and the same request need not be sent again while the connection is open.
 */
export class OverdueError<Reply = unknown> extends LockUnavailableError {
  /** Settles with the late reply; rejects when no useful reply can arrive any more. */
  readonly reply: Promise<Reply>;

  constructor(what: string, reply: Promise<Reply>) {
    super(what, undefined, { retryable: true, outcomeUnknown: true });
    this.reply = reply;
    Object.defineProperty(this, 'reply', { enumerable: false });
  }
}

/** The functions that settle one request. */
export interface ReplySlot<Reply> {
  resolve: (reply: Reply) => void;
  reject: (error: LockUnavailableError) => void;
}

/** Rejects `slot` with an `OverdueError`; from then on the slot receives the late reply. */
export function makeOverdue<Reply>(slot: ReplySlot<Reply>, { reason }: LockUnavailableError): void {
  const { reject } = slot;
  const reply = new Promise<Reply>((resolveLate, rejectLate) => {
    slot.resolve = resolveLate;
    slot.reject = rejectLate;
  });
  // Some senders ignore the late reply.
  reply.catch(() => undefined);
  reject(new OverdueError(reason, reply));
}

/** Resolves with the reply to a request, in time or late. `onOverdue` runs when the timeout is over. */
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
