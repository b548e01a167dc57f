import { Inject, Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { fromCache } from '../cache/cache-away.js';
import { REDIS } from '../cache/redis.js';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { WHOLE_CATALOG } from './whole-catalog.js';

/** A catalog as JSON, with the version of the database that it was read at. */
export interface VersionedCatalog {
  readonly version: number;
  readonly json: string;
}

export interface CachedCatalog extends VersionedCatalog {
  /** Whether no later change of its section is known. */
  readonly current: boolean;
}

/**
 * KEYS: entry, wanted version. ARGV: version, JSON, ms to live. Reply: 1 when written, else 0.
 *
 * An older value never replaces a newer one, so a process that lost its lock does no harm. Without a wanted version
 * (a flush, an eviction) nothing is written: a change that came after the rows were read may have been lost with it.
 */
const putIfNewest = `
if redis.call('exists', KEYS[2]) == 0 then return 0 end
local stored = tonumber(string.match(redis.call('getrange', KEYS[1], 0, 20), '^%d+'))
if stored and stored > tonumber(ARGV[1]) then return 0 end
redis.call('set', KEYS[1], ARGV[1] .. '\\n' .. ARGV[2], 'PX', ARGV[3])
return 1`;

/** KEYS: wanted versions. ARGV: version, ms to live. Raises each to this version, and lowers none. Reply: 1. */
const raise = `
for _, key in ipairs(KEYS) do
  local wanted = tonumber(redis.call('get', key) or -1)
  if wanted < tonumber(ARGV[1]) then redis.call('set', key, ARGV[1], 'PX', ARGV[2]) end
end
return 1`;

/**
 * The catalog in Redis: all of it under `catalogJson`, a section under `catalogJson:<section>`, each as its version, a
 * line break and the JSON. Beside it lies the version of the last change of the section. A change raises that one and
 * leaves the entry in place, so that readers get the last value until a newer one is built.
 */
@Injectable()
export class CatalogCache {
  constructor(
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
  ) {}

  async get(section: string): Promise<CachedCatalog | null> {
    const [entry = null, wanted = null] = await fromCache(this.redis.mget(entryKey(section), wantedKey(section)));
    if (entry === null) return null;
    const end = entry.indexOf('\n');
    const version = Number(entry.slice(0, end));
    return { version, json: entry.slice(end + 1), current: wanted !== null && version >= Number(wanted) };
  }

  /** Call it before the rows are read: from then on a change is detected even if the cache is flushed. */
  async open(section: string): Promise<void> {
    const key = wantedKey(section);
    const opened = this.redis.multi().set(key, 0, 'NX').pexpire(key, this.wantedMs).exec();
    for (const [error] of (await fromCache(opened)) ?? []) if (error) throw error;
  }

  /** Stores what was built, unless something newer is stored. */
  async put(section: string, { version, json }: VersionedCatalog): Promise<void> {
    const keys = [entryKey(section), wantedKey(section)];
    await fromCache(this.redis.eval(putIfNewest, 2, ...keys, version, json, this.msToLive()));
  }

  /** Marks entries that were built before `version` as outdated. */
  async want(version: number, sections: readonly string[]): Promise<void> {
    await fromCache(this.redis.eval(raise, sections.length, ...sections.map(wantedKey), version, this.wantedMs));
  }

  /** A day longer than any entry lives: an outdated entry must never find its wanted version gone. */
  private get wantedMs(): number {
    return this.config.catalogTtlMs + 86_400_000;
  }

  /** Up to a fifth less than configured: entries that were built together do not expire together. */
  private msToLive(): number {
    return Math.ceil(this.config.catalogTtlMs * (0.8 + 0.2 * Math.random()));
  }
}

function entryKey(section: string): string {
  return section === WHOLE_CATALOG ? 'catalogJson' : `catalogJson:${section}`;
}

function wantedKey(section: string): string {
  return section === WHOLE_CATALOG ? 'catalogVersion' : `catalogVersion:${section}`;
}
