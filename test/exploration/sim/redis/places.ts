import type { Keyspace } from './keyspace.js';

export const PLACE_MS = 5_000;

export interface Places {
  /** When the owner got its place, in µs; `undefined`: it has none. */
  readonly since: number | undefined;
  /** Its entry, or ''. */
  readonly own: string;
  /** When the first place before it that blocks it ends, in ms. */
  readonly ends: number | undefined;
  readonly others: string;
}

/** The places of waiters in a text of entries "owner:since:until;". Those whose time is over are left out. */
export function placesIn(text: string, owner: string, blocks: (other: string) => boolean, redis: Keyspace): Places {
  let [own, others] = ['', ''];
  let since: number | undefined;
  let first: { from: number; owner: string; ends: number } | undefined;
  for (const [entry, other, from, last] of text.matchAll(/([^;]+):(\d+):(\d+);/g)) {
    const left = Number(last) - millisOf(redis);
    if (left < 0 || left > PLACE_MS) continue;
    if (other === owner) [since, own] = [Number(from), entry];
    else {
      others += entry;
      const place = { from: Number(from), owner: other!, ends: Number(last) };
      if (blocks(other!) && (first === undefined || isBefore(place, first))) first = place;
    }
  }
  const isFirst = since !== undefined && first !== undefined && isBefore({ from: since, owner }, first);
  return { since, own, ends: isFirst ? undefined : first?.ends, others };
}

/** The entry of an owner that asks now. */
export function placeOf(owner: string, since: number | undefined, redis: Keyspace): string {
  return `${owner}:${since ?? redis.time()}:${millisOf(redis) + PLACE_MS};`;
}

export function millisOf(redis: Keyspace): number {
  return Math.floor(redis.time() / 1_000);
}

interface Place {
  readonly from: number;
  readonly owner: string;
}

function isBefore(one: Place, other: Place): boolean {
  return one.from < other.from || (one.from === other.from && one.owner < other.owner);
}
