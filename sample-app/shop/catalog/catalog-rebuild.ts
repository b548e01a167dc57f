import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { WithLock } from 'nestjs-redis-lock';
import { CatalogBuilder } from './catalog-builder.js';
import { CatalogCache } from './catalog-cache.js';
import type { VersionedCatalog } from './catalog-cache.js';

/** How long a replica waits after a failed refresh of a section, in ms. */
const pauseMs = 1_000;

/** Rebuilds a section after a cache miss or a change: one rebuild at a time across all replicas. */
@Injectable()
export class CatalogRebuild implements BeforeApplicationShutdown {
  private readonly logger = new Logger(CatalogRebuild.name);
  /** Rebuilds that do not have the lock yet. */
  private readonly waiting = new Map<string, Promise<VersionedCatalog>>();
  private readonly refreshing = new Map<string, Promise<void>>();

  constructor(
    private readonly cache: CatalogCache,
    private readonly builder: CatalogBuilder,
  ) {}

  /**
   * Concurrent readers in one replica share one rebuild until it has the lock. A reader that comes later can know of a
   * change that this rebuild does not contain, so it shares the next one.
   */
  rebuild(section: string): Promise<VersionedCatalog> {
    const known = this.waiting.get(section);
    if (known !== undefined) return known;
    const rebuild = this.rebuildAlone(section).finally(() => {
      // Without the lock the entry is still there, unless the next rebuild has replaced it.
      if (this.waiting.get(section) === rebuild) this.waiting.delete(section);
    });
    this.waiting.set(section, rebuild);
    return rebuild;
  }

  /** Rebuilds in the background, while readers get the last value. */
  refresh(section: string): void {
    if (this.refreshing.has(section)) return;
    const done = (pause: number): void => void setTimeout(() => this.refreshing.delete(section), pause).unref();
    const refresh = this.rebuild(section).then(
      () => done(0),
      (error: unknown) => {
        this.logger.warn(
          `"${section}" could not be refreshed: ${error instanceof Error ? error.message : 'no reason'}`,
        );
        done(pauseMs);
      },
    );
    this.refreshing.set(section, refresh);
  }

  @WithLock('catalog:<0>')
  rebuildAlone(section: string): Promise<VersionedCatalog> {
    this.waiting.delete(section);
    return this.rebuildUnlessCached(section);
  }

  /** No request waits for a refresh, and the database is closed after this. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.refreshing.values());
  }

  /** The previous holder of the lock has probably filled the cache. */
  private async rebuildUnlessCached(section: string): Promise<VersionedCatalog> {
    const cached = await this.cache.get(section);
    return cached?.current === true ? cached : this.builder.build(section);
  }
}
