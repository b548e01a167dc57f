import { LockUnavailableError } from '../../../errors/index.js';
import { WrongKindError } from '../../wrong-kind-error.js';

/** Temporary errors: a restart, a failover, a moving slot, memory that will be freed. */
const PASSING = new Set([
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  // From a script of this library: the server has lost its state, see `quorum/restart-guard.ts`.
  'NOMARKER',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNKILLABLE',
]);

/** Something else has the name: a key of another type, or permits that are not counted in this library's way. */
const WRONG_KIND = new Set(['WRONGTYPE', 'PERMITS']);

/** A missing permission. Redis 7 has other messages for it inside a script. */
const DENIED = /NOPERM|The user executing the script|ACL failure in script/;
/** Redis 7.0 does not name the command that a script must not call. */
const SCRIPT_COMMANDS = 'GET, SET, DEL, HSET, HDEL, HEXISTS, HGETALL, PEXPIRE, PTTL, TIME, PUBLISH, SPUBLISH';

/** The code of a Redis error. Before Redis 7, an error inside Lua has a location, and other codes, before it. */
const CODE = /(?:^|@user_script: ?\d+: )-?([A-Z]{2,})\s/g;

/** Whether `error` is a reply of the server and not a connection error. */
export function isServerError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Advice if a node of a cluster is configured as a single server. */
export const USE_CLUSTER =
  'This server belongs to a Redis Cluster and does not serve all hash slots. Use the option "cluster" ' +
  '({ cluster: { nodes: [url, …] } }), or pass an ioredis Cluster as "client". It cannot be one of several independent servers of a "quorum".';

export function hasCode(error: Error, code: string): boolean {
  return error.message.startsWith(`${code} `);
}

/** Whether a replica replied instead of the master: the roles have changed, but not the connection. */
export function isOfReplica(error: Error): boolean {
  const code = codeOf(error);
  return code === 'READONLY' || code === 'MASTERDOWN';
}

/** Whether the server rejected a whole call because of its keys, or for an unknown reason, as a proxy may do. */
export function isAboutKeys(error: Error): boolean {
  const code = codeOf(error);
  return code === undefined || code === 'ERR' || code === 'CROSSSLOT';
}

/**
 * Whether a server had only some of the keys of a call, because their hash slot is moving. Redis 6.2 answers `ASK` then, which
 * is right only for the keys that it does not have. ioredis's Cluster retries such a call for a while, on any node, and then
 * reports the last error, which may come from a node that does not serve the slot.
 */
export function isAboutMovingSlot({ message }: Error): boolean {
  return /^(TRYAGAIN|ASK|Too many Cluster redirections\. Last error: ReplyError: (TRYAGAIN|MOVED|ASK)) /.test(message);
}

function codeOf(error: Error): string | undefined {
  return [...error.message.matchAll(CODE)].at(-1)?.[1];
}

/**
 * Removes the arguments of the command, which ioredis adds to an error of the server. Otherwise a log that prints an
 * error with its cause would contain a password or an owner.
 */
export function withoutArguments(error: Error): Error {
  const command: unknown = Reflect.get(error, 'command');
  if (typeof command !== 'object' || command === null) return error;
  Reflect.set(error, 'command', { name: Reflect.get(command, 'name') as unknown });
  return error;
}

/** Converts an error of the server. It never becomes "busy", since it is unknown whether the lock is free. */
export function refused(
  error: Error,
  lockName: string | undefined,
  more = '',
  outcomeUnknown = false,
): LockUnavailableError {
  const code = codeOf(error);
  const retryable = code !== undefined && PASSING.has(code);
  const Refusal = code !== undefined && WRONG_KIND.has(code) ? WrongKindError : LockUnavailableError;
  return new Refusal(`Redis refused the request (${plain(error.message)}).${adviceFor(error, code)}${more}`, lockName, {
    cause: withoutArguments(error),
    retryable,
    outcomeUnknown,
  });
}

function adviceFor({ message }: Error, code: string | undefined): string {
  if (code === 'WRONGTYPE') return ' The key is used for something else: choose another "keyPrefix".';
  const right = missingRight(message);
  return right === undefined
    ? ''
    : ` The Redis user needs permission for ${right}. The README lists the ACL rules that locks need.`;
}

/** The message without the digest and the line number of a script, which mean nothing to a user. */
function plain(message: string): string {
  return message.replace(/^.*@user_script: ?\d+: -?(?=[A-Z])/, '').replace(/ script: \w+, on @user_script:\d+\.?$/, '');
}

/**
 * The permission that the Redis user lacks, as far as the message contains it. The messages differ between Redis
 * versions.
 */
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
