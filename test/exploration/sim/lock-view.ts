import { isReadWrite, type Kind } from './kind.js';
import type { LockServer } from './oracle.js';
import { leftOf, writes } from './redis/read-write-keys.js';
import { MARKER_KEY } from './redis/sim-node.js';

/** How the checks look at the locks of a server: who has a name, and for how long. */
export interface LockView {
  /** How long an owner has the lock, in ms; 0 or less: it does not have it. */
  left(server: LockServer, name: string, owner: string): number;
  /** The owners that have the lock, with the number of their permits. */
  owners(server: LockServer, name: string): { readonly owner: string; readonly take: number }[];
}

/** A lock is a hash with its owner as the field. */
export const EXCLUSIVE: LockView = {
  left: ({ keys }, name, owner) => {
    const key = `lock:${name}`;
    return keys.hexists(key, owner) ? keys.pttl(key) : -2;
  },
  owners: ({ keys }, name) => keys.hgetall(`lock:${name}`).map(([owner]) => ({ owner, take: 1 })),
};

/** The permits of a semaphore are the members of a sorted set, with the ends of their leases. */
export class SemaphoreView implements LockView {
  /** @param ids the unique ids of services, of which a member has only the first part */
  constructor(private readonly ids: () => readonly string[]) {}

  left(server: LockServer, name: string, owner: string): number {
    const own = this.members(server, name).filter((each) => each.owner === baseOf(owner));
    const take = Number(owner.split(':')[2] ?? 1);
    return own.length < take ? -2 : Math.min(...own.map(({ left }) => left));
  }

  owners(server: LockServer, name: string): { readonly owner: string; readonly take: number }[] {
    const takes = new Map<string, number>();
    for (const { owner } of this.members(server, name)) takes.set(owner, (takes.get(owner) ?? 0) + 1);
    return [...takes].map(([owner, take]) => ({ owner, take }));
  }

  /** The permits whose lease has not ended. */
  private members({ keys }: LockServer, name: string): { readonly owner: string; readonly left: number }[] {
    return keys
      .scores(`{lock:${name}}:timeout`)
      .map(([member, left]) => ({ owner: this.ownerOf(member), left }))
      .filter(({ left }) => left > 0);
  }

  /** The service and the number of an owner, without the number of its permits. */
  private ownerOf(member: string): string {
    const id =
      this.ids().find((each) => each.replaceAll('-', '').startsWith(member.slice(0, 18))) ?? member.slice(0, 18);
    return `${id}:${String(Number.parseInt(member.slice(18, 28), 16))}`;
  }
}

/** Of a read-write lock, a hash has the mode and the owners; each reader has a key that expires with its lease. */
const READ_WRITE: LockView = {
  left: ({ keys }, name, owner) => {
    const key = `lock:${name}`;
    if (!keys.hexists(key, owner)) return -2;
    return writes(owner) ? keys.pttl(key) : Math.min(keys.pttl(key), leftOf(key, owner, '1', keys));
  },
  owners: (server, name) =>
    server.keys
      .hgetall(`lock:${name}`)
      .filter(([owner]) => owner !== 'mode' && READ_WRITE.left(server, name, owner) > 0)
      .map(([owner]) => ({ owner, take: 1 })),
};

/** Of a latch nothing is held. */
const LATCH: LockView = { left: () => -2, owners: () => [] };

/** @param ids the unique ids of services */
export function viewOf(kind: Kind, ids: () => readonly string[]): LockView {
  if (kind.mode === 'latch') return LATCH;
  if (kind.permits !== null) return new SemaphoreView(ids);
  return isReadWrite(kind) ? READ_WRITE : EXCLUSIVE;
}

/** An owner without the number of its permits, and without whether it writes. */
export function baseOf(owner: string): string {
  return owner.split(':').slice(0, 2).join(':');
}

/** The names of hashes that are no locks. */
export function isSideKey(key: string): boolean {
  return key === MARKER_KEY || key.startsWith('lock_permits:') || key.startsWith(PLACES_PREFIX);
}

const PLACES_PREFIX = 'lock_places:';

/** The keys that a fair lock has for its waiters. */
export function waiterKeysOf(name: string): Record<'queue' | 'deadlines' | 'places', string> {
  const tagged = `{lock:${name}}`;
  return {
    queue: `redisson_lock_queue:${tagged}`,
    deadlines: `redisson_lock_timeout:${tagged}`,
    places: PLACES_PREFIX + tagged,
  };
}

/** The waiters that have something in the queue of a fair lock. */
export function waitersOf({ keys }: LockServer, name: string): string[] {
  const { queue, deadlines, places } = waiterKeysOf(name);
  const owners = [...keys.lrange(queue), ...keys.scores(deadlines).map(([owner]) => owner)];
  return [...new Set([...owners, ...keys.hgetall(places).map(([owner]) => owner)])];
}
