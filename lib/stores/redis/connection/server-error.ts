import { LockUnavailableError } from '../../../errors/index.js';

/** Errors that pass by themselves: a restart, a failover, a slot on the move, memory that is freed again. */
const PASSING = new Set([
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  // Of a script of this library: the server has lost its state, see `quorum/restart-guard.ts`.
  'NOMARKER',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNKILLABLE',
]);

/** A missing right; within a script Redis 7 has words of its own for it. */
const DENIED = /NOPERM|The user executing the script|ACL failure in script/;
/** Redis 7.0 does not say which of them a script must not call. */
const SCRIPT_COMMANDS = 'GET, SET, DEL, HSET, HDEL, HEXISTS, HGETALL, PEXPIRE, PTTL, TIME, PUBLISH, SPUBLISH';

/** The upper-case word by which Redis names an error; before Redis 7 an error inside Lua has others and a place in front. */
const CODE = /(?:^|@user_script: ?\d+: )-?([A-Z]{2,})\s/g;

/** Whether `error` is an answer of the server rather than trouble on the way to it. */
export function isServerError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** What to do where a member of a cluster is used as if it were the only server. */
export const USE_CLUSTER =
  'This server belongs to a Redis Cluster and does not serve all hash slots. Use the option "cluster" ' +
  '({ cluster: { nodes: [url, …] } }), or pass an ioredis Cluster as "client". It cannot be one of several independent servers of a "quorum".';

export function hasCode(error: Error, code: string): boolean {
  return error.message.startsWith(`${code} `);
}

/** Whether a replica answered where a master was meant: the roles have changed, and this connection has not followed. */
export function isOfReplica(error: Error): boolean {
  const code = codeOf(error);
  return code === 'READONLY' || code === 'MASTERDOWN';
}

/** Whether the server rejected a whole call for its keys, or for a reason of its own words, as a proxy may do it. */
export function isAboutKeys(error: Error): boolean {
  const code = codeOf(error);
  return code === undefined || code === 'ERR' || code === 'CROSSSLOT';
}

/**
 * Whether a server had only some of the keys of a call, because their hash slot is being moved. ioredis's Cluster retries
 * such a call for a while, on any node, and then reports the last error: the node that it asked last may not serve the slot.
 */
export function isAboutMovingSlot({ message }: Error): boolean {
  return /^(TRYAGAIN|Too many Cluster redirections\. Last error: ReplyError: (TRYAGAIN|MOVED|ASK)) /.test(message);
}

function codeOf(error: Error): string | undefined {
  return [...error.message.matchAll(CODE)].at(-1)?.[1];
}

/**
 * Takes away what ioredis notes on an error of the server: the arguments of the command. A password or an owner would come
 * into every log that prints an error with its cause.
 */
export function withoutArguments(error: Error): Error {
  const command: unknown = Reflect.get(error, 'command');
  if (typeof command !== 'object' || command === null) return error;
  Reflect.set(error, 'command', { name: Reflect.get(command, 'name') as unknown });
  return error;
}

/** An error of the server, as this library reports it. It is never "busy": it is unknown whether the lock is free. */
export function refused(
  error: Error,
  lockName: string | undefined,
  more = '',
  outcomeUnknown = false,
): LockUnavailableError {
  const code = codeOf(error);
  const retryable = code !== undefined && PASSING.has(code);
  return new LockUnavailableError(
    `Redis refused the request (${plain(error.message)}).${adviceFor(error, code)}${more}`,
    lockName,
    {
      cause: withoutArguments(error),
      retryable,
      outcomeUnknown,
    },
  );
}

function adviceFor({ message }: Error, code: string | undefined): string {
  if (code === 'WRONGTYPE') return ' The key is used for something else: choose another "keyPrefix".';
  const right = missingRight(message);
  return right === undefined
    ? ''
    : ` The Redis user needs the right to use ${right}. The README lists the ACL rules that locks need.`;
}

/** The message without the digest and the line number of a script, which no user can look up. */
function plain(message: string): string {
  return message.replace(/^.*@user_script: ?\d+: -?(?=[A-Z])/, '').replace(/ script: \w+, on @user_script:\d+\.?$/, '');
}

/** What the server does not let its user do, as far as it says so: each version has other words for it. */
function missingRight(message: string): string | undefined {
  if (!DENIED.test(message)) return undefined;
  const command = /'([^']+)' command/.exec(message)?.[1];
  if (command !== undefined) return `the command ${command.toUpperCase()}`;
  if (message.includes('channel')) return 'the channels of its locks (a rule that begins with "&")';
  if (/\bkeys?\b/.test(message)) return 'the keys of its locks (a rule that begins with "~")';
  return `each command that locks call (${SCRIPT_COMMANDS})`;
}

/** A connection error: the request was sent, and its outcome is unknown. */
export function unanswered(reason: unknown): LockUnavailableError {
  const error = reason instanceof Error ? reason : new Error(String(reason));
  return new LockUnavailableError(`the connection to Redis failed (${error.message}).`, undefined, {
    cause: error,
    retryable: true,
    outcomeUnknown: true,
  });
}
