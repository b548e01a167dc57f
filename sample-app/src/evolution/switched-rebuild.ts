import { Inject, Injectable } from '@nestjs/common';
import { CatalogBuilder } from '../catalog/catalog-builder.js';
import { CatalogCache } from '../catalog/catalog-cache.js';
import { CatalogRebuild } from '../catalog/catalog-rebuild.js';
import { SystemSwitch } from './system-switch.js';

/** The shop's rebuild, with the system that is switched on in the place of `@WithLock`. */
@Injectable()
export class SwitchedRebuild extends CatalogRebuild {
  constructor(
    @Inject(CatalogCache) cache: CatalogCache,
    @Inject(CatalogBuilder) builder: CatalogBuilder,
    @Inject(SystemSwitch) private readonly systems: SystemSwitch,
  ) {
    super(cache, builder);
  }

  override rebuild(section: string): Promise<string> {
    const lock = this.systems.lock();
    if (lock === null) return super.rebuild(section);
    return lock.withLock(`catalog:${section}`, () => this.rebuildUnlessCached(section));
  }
}
