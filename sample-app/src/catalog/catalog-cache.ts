import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { fromCache } from '../cache/cache-away.js';
import { REDIS } from '../cache/redis.js';
import { SHOP_CONFIG } from '../config.js';
import type { ShopConfig } from '../config.js';
import { WHOLE_CATALOG } from './whole-catalog.js';

/** KEYS: entry, version. ARGV: the version the rows were read at, JSON, ms to live. 1: written, 0: outdated. */
const putIfCurrent = `
if redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;

/**
 * The catalog as JSON, in Redis: all of it under `catalogJson`, a section under `catalogJson:<section>`.
 *
 * Beside each entry lies a version, which every change of a category replaces. A rebuild notes the version before it
 * reads the rows and can write its JSON only while that version still stands. Without this, a rebuild that read the old
 * rows could write them after the change had emptied the cache, and they would stay until the entry expires. Versions
 * are random and not counted: a count that was lost (an eviction, a flush) would come to the same numbers again.
 */
@Injectable()
export class CatalogCache {
  constructor(
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
  ) {}

  get(section: string): Promise<string | null> {
    return fromCache(this.redis.get(entryKey(section)));
  }

  /** The version that `put` asks for. Read it before the rows. */
  async version(section: string): Promise<string> {
    const fresh = randomUUID();
    // Not SET … NX GET in one, which Redis knows since 7.0 only.
    if ((await fromCache(this.redis.set(versionKey(section), fresh, 'NX'))) === 'OK') return fresh;
    return (await fromCache(this.redis.get(versionKey(section)))) ?? (await this.version(section));
  }

  /** Writes the entry, unless a category changed since `version` was read. Tells whether it did. */
  async put(section: string, json: string, version: string): Promise<boolean> {
    const keys = [entryKey(section), versionKey(section)];
    const put = this.redis.eval(putIfCurrent, 2, ...keys, version, json, this.config.catalogTtlMs);
    return (await fromCache(put)) === 1;
  }

  /** Empties the entries a section is part of, and outdates the rebuilds of them that are running. */
  async invalidate(section: string): Promise<void> {
    const change = this.redis.multi();
    for (const name of [section, WHOLE_CATALOG]) {
      change.set(versionKey(name), randomUUID());
      change.del(entryKey(name));
    }
    for (const [error] of (await fromCache(change.exec())) ?? []) if (error) throw error;
  }
}

function entryKey(section: string): string {
  return section === WHOLE_CATALOG ? 'catalogJson' : `catalogJson:${section}`;
}

function versionKey(section: string): string {
  return section === WHOLE_CATALOG ? 'catalogVersion' : `catalogVersion:${section}`;
}
