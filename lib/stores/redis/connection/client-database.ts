import { LockConfigError, LockUnavailableError } from '../../../errors/index.js';
import type { RedisClient } from './redis-client.js';
import { socketOf } from './socket.js';

/** The database that a command unknown to ioredis has selected on the connection of a client. */
interface Move {
  database: number | undefined;
  /** The connection that it applies to: a new one uses the database that ioredis recorded. */
  socket: object | undefined;
}

const moves = new WeakMap<object, Move>();

/**
 * Tracks the database of a caller's client. ioredis records a `select`, but not a `SELECT` or a RESET, and after a
 * reconnection selects the recorded database.
 */
export function followDatabase(client: RedisClient): void {
  const send: unknown = Reflect.get(client, 'sendCommand');
  if (typeof send !== 'function' || moves.has(client)) return;
  const move: Move = { database: undefined, socket: undefined };
  moves.set(client, move);
  // All commands are sent through this method, including those of pipelines and transactions.
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
 * The database that a client uses now. ioredis records each `select` in `condition`; the options contain only the
 * initial database.
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
 * Checks that a client uses the database that ioredis recorded, which the additional connections use.
 *
 * @param evaluate runs a script, with the key of a lock that the client holds
 * @throws LockConfigError if it does not
 */
export async function checkDatabase(
  client: RedisClient,
  evaluate: (source: string) => Promise<unknown>,
): Promise<void> {
  const database = databaseOf(client);
  if (database === undefined) return;
  // SELECT in a script applies until the end of the script. Without permission for SELECT, nothing is checked.
  const source = `redis.call('SELECT', ${String(database)}) return redis.call('PTTL', KEYS[1])`;
  const left = await evaluate(source).catch(() => undefined);
  if (Number(left) !== -2) return;
  throw new LockConfigError(
    `The client does not use database ${String(database)}, as ioredis assumes: a SELECT or RESET that ioredis does not track ` +
      'changed it. Change it with client.select(), or pass a separate client: client.duplicate({ db }).',
  );
}

/**
 * The database that all connections of one store use: that of the client at the first request. If the client later
 * selects another one, requests are refused, since the locks of other processes are in the first database.
 */
export class ClientDatabase {
  private used: number | undefined;

  constructor(private readonly client: RedisClient) {}

  /** The reason why requests are refused now; `null` if they are not. */
  refusal(): LockUnavailableError | null {
    const database = databaseOf(this.client);
    this.used ??= database;
    if (database === this.used) return null;
    const what =
      `the client was changed from database ${String(this.used)} to ${String(database)} by SELECT or RESET while it was used ` +
      'for locks. Pass a separate client to the lock service: client.duplicate().';
    return new LockUnavailableError(what, undefined, { retryable: false, outcomeUnknown: false });
  }
}
