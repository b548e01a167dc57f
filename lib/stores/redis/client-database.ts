import { LockUnavailableError } from '../../errors/index.js';
import type { RedisClient } from './redis-client.js';

/**
 * The database that a client works in now. ioredis notes each SELECT in `condition`, and selects it again after a
 * reconnection; the options only say where the client began.
 */
export function databaseOf(client: RedisClient): number | undefined {
  const condition: unknown = Reflect.get(client, 'condition');
  const selected: unknown =
    typeof condition === 'object' && condition !== null ? Reflect.get(condition, 'select') : null;
  const database: unknown = selected ?? (client.options === undefined ? undefined : Reflect.get(client.options, 'db'));
  return typeof database === 'number' ? database : undefined;
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
      `the client was moved from database ${String(this.used)} to ${String(database)} by SELECT while it was used for ` +
      'locks. Give the lock service a client of its own (client.duplicate()).';
    return new LockUnavailableError(what, undefined, { retryable: false, outcomeUnknown: false });
  }
}
