import { eq } from 'drizzle-orm';
import type { Redis } from 'ioredis';
import type { Database } from '../../shop/database/database.js';
import { categories } from '../../shop/database/schema.js';
import { orNoRedis } from './or-no-redis.js';

const wholeEntry = 'catalogJson';

/** The catalog's cache, accessed from outside the shop by its keys. */
export class ColdCatalog {
  /** @param redis with the shop's prefix before keys */
  constructor(
    private readonly redis: Redis,
    private readonly database: Database,
    private readonly ttlMs: number,
  ) {}

  /** Empties the cache, but keeps the locks. */
  async empty(): Promise<string> {
    const sections = await this.database
      .select({ name: categories.section })
      .from(categories)
      .where(eq(categories.level, 1));
    const names = ['', ...sections.map(({ name }) => `:${name}`)];
    const keys = names.flatMap((name) => [`${wholeEntry}${name}`, `catalogVersion${name}`]);
    await orNoRedis(this.redis.del(...keys));
    return 'The cache is empty: the next reader triggers a rebuild.';
  }

  /** Prevents the entry of the whole catalog from expiring until the returned function is called. */
  keep(): () => void {
    const timer = setInterval(() => this.expireIn(10 * this.ttlMs), Math.max(50, this.ttlMs / 10));
    return () => {
      clearInterval(timer);
      this.expireIn(this.ttlMs);
    };
  }

  private expireIn(ms: number): void {
    this.redis.pexpire(wholeEntry, ms).catch(() => undefined);
  }
}
