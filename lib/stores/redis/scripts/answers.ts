/** Whether a script answered that all requests of a call were done alike. A client may be set to pass numbers on as strings. */
export function isOneForAll(value: unknown): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'string' && /^\d+$/.test(value));
}

/** Whether the request at `index` of a call may have been done, by the answer to it: `undefined` if that was an error. */
export function maybeDone(value: unknown, index: number): boolean {
  return Array.isArray(value) ? Number(value[2 * index]) === 1 : value !== undefined;
}

/** The reply to a script is none that the script gives, so something on the way changes replies. */
export class UnexpectedReply extends Error {
  constructor() {
    super(
      'Unexpected reply to a lock script. Is the client inside MULTI, or does a reply transformer of ioredis ' +
        '(Command.setReplyTransformer) change the replies to EVAL or EVALSHA?',
    );
  }
}
