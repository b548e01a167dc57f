import { LockConfigError, LockUnavailableError } from '../../../errors/index.js';
import type { RedisClient } from './redis-client.js';
import { socketOf } from './socket.js';

/** Where a command that ioredis does not follow moved the connection of a client. */
interface Move {
  database: number | undefined;
  /** A new connection is where ioredis noted. */
  socket: object | undefined;
}

const moves = new WeakMap<object, Move>();

/**
 * Follows the database of a caller's client. ioredis notes a `select`, but not a `SELECT` or a RESET, and after a
 * reconnection selects what it noted.
 */
export function followDatabase(client: RedisClient): void {
  const send: unknown = Reflect.get(client, 'sendCommand');
  if (typeof send !== 'function' || moves.has(client)) return;
  const move: Move = { database: undefined, socket: undefined };
  moves.set(client, move);
  // Each command passes here, also those of pipelines and transactions.
  Reflect.set(client, 'sendCommand', (...args: unknown[]): unknown => {
    const database = databaseAfter(args[0] as SentCommand);
    if (database !== undefined) Object.assign(move, { database, socket: socketOf(client) });
    return Reflect.apply(send, client, args) as unknown;
  });
}

interface SentCommand {
  readonly name: string;
  readonly args: readonly unknown[];
}

function databaseAfter({ name, args }: SentCommand): number | undefined {
  const database = /^reset$/i.test(name) ? 0 : /^select$/i.test(name) ? Number(args[0]) : NaN;
  return Number.isInteger(database) ? database : undefined;
}

/**
 * The database that a client works in now. ioredis notes each `select` in `condition`; the options only say where the
 * client began.
 */
export function databaseOf(client: RedisClient): number | undefined {
  const condition: unknown = Reflect.get(client, 'condition');
  const selected: unknown =
    typeof condition === 'object' && condition !== null ? Reflect.get(condition, 'select') : null;
  const move = moves.get(client);
  const database: unknown =
    (move?.socket === socketOf(client) ? move?.database : undefined) ??
    selected ??
    (client.options === undefined ? undefined : Reflect.get(client.options, 'db'));
  return typeof database === 'number' ? database : undefined;
}

/**
 * Checks that a client is in the database that ioredis noted, where all connections beside it are.
 *
 * @param evaluate runs a script, with the key of a lock that the client holds
 * @throws LockConfigError if it is not
 */
export async function checkDatabase(
  client: RedisClient,
  evaluate: (source: string) => Promise<unknown>,
): Promise<void> {
  const database = databaseOf(client);
  if (database === undefined) return;
  // SELECT in a script lasts until its end. A server or a user without it is not checked.
  const source = `redis.call('SELECT', ${String(database)}) return redis.call('PTTL', KEYS[1])`;
  const left = await evaluate(source).catch(() => undefined);
  if (Number(left) !== -2) return;
  throw new LockConfigError(
    `The client is not in database ${String(database)}, as ioredis assumes: a SELECT or RESET moved it that ioredis does not ` +
      'follow. Move it with client.select(), or pass a client of its own: client.duplicate({ db }).',
  );
}

/**
 * The database that all connections of one store use: that of the client at the first request. A client that is moved to
 * another one later gets no more requests, since the locks of other processes are where it was.
 */
export class ClientDatabase {
  private used: number | undefined;

  constructor(private readonly client: RedisClient) {}

  /** Why no request may be sent now; `null` if it may. */
  refusal(): LockUnavailableError | null {
    const database = databaseOf(this.client);
    this.used ??= database;
    if (database === this.used) return null;
    const what =
      `the client was moved from database ${String(this.used)} to ${String(database)} by SELECT or RESET while it was used ` +
      'for locks. Give the lock service a client of its own (client.duplicate()).';
    return new LockUnavailableError(what, undefined, { retryable: false, outcomeUnknown: false });
  }
}
