interface HashEntry {
  readonly type: 'hash';
  readonly fields: Map<string, string>;
  expiresAt: number | null;
}

interface StringEntry {
  readonly type: 'string';
  value: string;
  expiresAt: number | null;
}

interface SortedSetEntry {
  readonly type: 'zset';
  readonly scores: Map<string, number>;
  expiresAt: number | null;
}

interface ListEntry {
  readonly type: 'list';
  readonly items: string[];
  expiresAt: number | null;
}

type Entry = HashEntry | StringEntry | SortedSetEntry | ListEntry;

/** The keys of one Redis, as far as the library's scripts use them. A script sees one moment: `nowUs` stands still. */
export class Keyspace {
  private entries = new Map<string, Entry>();

  /** @param nowUs the server's clock in µs, as TIME shows it; its ms count for expiries */
  constructor(private readonly nowUs: () => number) {}

  time(): number {
    return this.nowUs();
  }

  /** ms left; -1: it never expires, -2: there is none. */
  pttl(key: string): number {
    const entry = this.read(key);
    if (entry === undefined) return -2;
    return entry.expiresAt === null ? -1 : entry.expiresAt - this.nowMs();
  }

  pexpire(key: string, ms: number): number {
    const entry = this.read(key);
    if (entry === undefined) return 0;
    if (ms <= 0) this.entries.delete(key);
    else entry.expiresAt = this.nowMs() + ms;
    return 1;
  }

  get(key: string): string | null {
    const entry = this.read(key);
    if (entry === undefined) return null;
    if (entry.type !== 'string') throw wrongType();
    return entry.value;
  }

  set(key: string, value: string, px?: number): void {
    this.entries.set(key, { type: 'string', value, expiresAt: px === undefined ? null : this.nowMs() + px });
  }

  incrby(key: string, by: number): number {
    const value = Number(this.get(key) ?? 0) + by;
    const entry = this.read(key);
    if (entry?.type === 'string') entry.value = String(value);
    else this.set(key, String(value));
    return value;
  }

  zadd(key: string, member: string, score: number): void {
    const scores = this.sortedSet(key);
    if (scores === undefined) {
      this.entries.set(key, { type: 'zset', scores: new Map([[member, score]]), expiresAt: null });
    } else scores.set(member, score);
  }

  zrem(key: string, member: string): boolean {
    const scores = this.sortedSet(key);
    const done = scores?.delete(member) ?? false;
    if (scores?.size === 0) this.entries.delete(key);
    return done;
  }

  zscore(key: string, member: string): number | undefined {
    return this.sortedSet(key)?.get(member);
  }

  /** The members, the smallest score first. */
  zrange(key: string): [member: string, score: number][] {
    return [...(this.sortedSet(key) ?? [])].sort(([, a], [, b]) => a - b);
  }

  /** The members of a sorted set, and how far their scores, which are times in ms, lie ahead. */
  scores(key: string): [member: string, left: number][] {
    return this.zrange(key).map(([member, score]) => [member, score - this.nowMs()]);
  }

  rpush(key: string, item: string): void {
    const items = this.list(key);
    if (items === undefined) this.entries.set(key, { type: 'list', items: [item], expiresAt: null });
    else items.push(item);
  }

  /** Before the first item that is equal to `pivot`. */
  linsert(key: string, pivot: string, item: string): void {
    const items = this.list(key) ?? [];
    const index = items.indexOf(pivot);
    if (index >= 0) items.splice(index, 0, item);
  }

  /** Removes the first item that is equal. */
  lrem(key: string, item: string): void {
    const items = this.list(key) ?? [];
    const index = items.indexOf(item);
    if (index >= 0) items.splice(index, 1);
    if (items.length === 0) this.entries.delete(key);
  }

  /** All items. */
  lrange(key: string): readonly string[] {
    return this.list(key) ?? [];
  }

  type(key: string): 'none' | Entry['type'] {
    return this.read(key)?.type ?? 'none';
  }

  hexists(key: string, field: string): boolean {
    return this.hash(key)?.fields.has(field) ?? false;
  }

  hget(key: string, field: string): string | undefined {
    return this.hash(key)?.fields.get(field);
  }

  hset(key: string, field: string, value: string): void {
    const hash = this.hash(key);
    if (hash === undefined) {
      this.entries.set(key, { type: 'hash', fields: new Map([[field, value]]), expiresAt: null });
    } else {
      hash.fields.set(field, value);
    }
  }

  hdel(key: string, field: string): boolean {
    const hash = this.hash(key);
    const done = hash?.fields.delete(field) ?? false;
    if (hash?.fields.size === 0) this.entries.delete(key);
    return done;
  }

  hgetall(key: string): [string, string][] {
    return [...(this.hash(key)?.fields ?? [])];
  }

  del(key: string): boolean {
    const there = this.read(key) !== undefined;
    this.entries.delete(key);
    return there;
  }

  /** The keys of one type that have not expired. */
  keys(type: Entry['type']): string[] {
    return [...this.entries.keys()].filter((key) => this.read(key)?.type === type);
  }

  clear(): void {
    this.entries.clear();
  }

  /** A copy of all keys, to go back to. */
  snapshot(): () => void {
    const copy = [...this.entries].map(([key, entry]) => [key, clone(entry)] as const);
    return () => {
      this.entries = new Map(copy);
    };
  }

  private nowMs(): number {
    return Math.floor(this.nowUs() / 1_000);
  }

  private hash(key: string): HashEntry | undefined {
    const entry = this.read(key);
    if (entry === undefined || entry.type === 'hash') return entry;
    throw wrongType();
  }

  private sortedSet(key: string): Map<string, number> | undefined {
    const entry = this.read(key);
    if (entry === undefined || entry.type === 'zset') return entry?.scores;
    throw wrongType();
  }

  private list(key: string): string[] | undefined {
    const entry = this.read(key);
    if (entry === undefined || entry.type === 'list') return entry?.items;
    throw wrongType();
  }

  private read(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry?.expiresAt === undefined || entry.expiresAt === null || entry.expiresAt >= this.nowMs()) return entry;
    this.entries.delete(key);
    return undefined;
  }
}

function clone(entry: Entry): Entry {
  switch (entry.type) {
    case 'hash':
      return { ...entry, fields: new Map(entry.fields) };
    case 'zset':
      return { ...entry, scores: new Map(entry.scores) };
    case 'list':
      return { ...entry, items: [...entry.items] };
    case 'string':
      return { ...entry };
  }
}

function wrongType(): Error {
  return new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
}
