import { Injectable } from '@nestjs/common';
import { CatalogBuilder } from '../../shop/catalog/catalog-builder.js';
import { CatalogCache } from '../../shop/catalog/catalog-cache.js';
import type { VersionedCatalog } from '../../shop/catalog/catalog-cache.js';
import { CatalogRebuild } from '../../shop/catalog/catalog-rebuild.js';
import { TryAgainException } from '../../shop/errors/try-again.exception.js';
import { CatalogFlights } from './catalog-flights.js';
import { SystemSwitch } from './system-switch.js';
import { StillTakenError } from './systems/evolution-lock.js';
import type { EvolutionLock } from './systems/evolution-lock.js';

/** The shop's rebuild with the selected system instead of `@WithLock`. */
@Injectable()
export class SwitchedRebuild extends CatalogRebuild {
  constructor(
    private readonly entries: CatalogCache,
    private readonly builds: CatalogBuilder,
    private readonly systems: SystemSwitch,
    private readonly flights: CatalogFlights,
  ) {
    super(entries, builds);
  }

  override rebuild(section: string): Promise<VersionedCatalog> {
    if (this.systems.current === 'single-flight') return this.flights.rebuild(section);
    const lock = this.systems.lock();
    return lock === null ? super.rebuild(section) : this.rebuildUnder(lock, section);
  }

  private async rebuildUnder(lock: EvolutionLock, section: string): Promise<VersionedCatalog> {
    try {
      return await lock.withLock(`catalog:${section}`, () => this.buildUnlessCached(section));
    } catch (error) {
      if (error instanceof StillTakenError) throw new TryAgainException('CATALOG_BUSY', error.message);
      throw error;
    }
  }

  private async buildUnlessCached(section: string): Promise<VersionedCatalog> {
    const cached = await this.entries.get(section);
    return cached?.current === true ? cached : this.builds.build(section);
  }
}
