/** Whether a script replied with one number for all requests of a call. A client may return numbers as strings. */
export function isOneForAll(value: unknown): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'string' && /^\d+$/.test(value));
}

/**
 * Whether the request at `index` of a call may have been done, according to the reply; `undefined` stands for an error.
 */
export function maybeDone(value: unknown, index: number): boolean {
  return Array.isArray(value) ? Number(value[2 * index]) === 1 : value !== undefined;
}

/** The reply does not have the format of the scripts: the client is inside MULTI, or something changes replies. */
export class UnexpectedReply extends Error {
  constructor() {
    super(
      'Unexpected reply to a lock script. Is the client inside MULTI, or does a reply transformer of ioredis ' +
        '(Command.setReplyTransformer) change the replies to EVAL or EVALSHA?',
    );
  }
}
