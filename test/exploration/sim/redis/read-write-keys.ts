import type { Keyspace } from './keyspace.js';
import { sideKeyOf } from './script-model.js';

/** The keys that expire with the leases of a reader. */
export function timeoutsOf(lock: string, reader: string, holds: string): string[] {
  const count = Math.floor(Number(holds) || 0);
  return Array.from({ length: count }, (_, index) => `${sideKeyOf(lock, '')}:${reader}:rwlock_timeout:${index + 1}`);
}

/** For how long a reader has the lock, in ms; -2 if its leases have ended. */
export function leftOf(lock: string, reader: string, holds: string, redis: Pick<Keyspace, 'pttl'>): number {
  return Math.max(-2, ...timeoutsOf(lock, reader, holds).map((key) => redis.pttl(key)));
}

/** Whether an owner writes. */
export function writes(owner: string): boolean {
  return owner.endsWith(':write');
}
