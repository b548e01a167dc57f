import { Inject, Injectable } from '@nestjs/common';
import { CatalogBuilder } from '../catalog-builder.js';
import type { RebuildGuard } from './rebuild-guard.js';

/** For comparison: every miss rebuilds. */
@Injectable()
export class NoGuard implements RebuildGuard {
  constructor(@Inject(CatalogBuilder) private readonly builder: CatalogBuilder) {}

  rebuild(section: string): Promise<string> {
    return this.builder.build(section);
  }
}
