import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LockBusyError, LockService, RedisLockModule } from 'nestjs-redis-lock';
import { CatalogBuilder } from '../../sample-app/shop/catalog/catalog-builder.js';
import {
  CatalogCache,
  type CachedCatalog,
  type VersionedCatalog,
} from '../../sample-app/shop/catalog/catalog-cache.js';
import { CatalogRebuild } from '../../sample-app/shop/catalog/catalog-rebuild.js';
import { CatalogFlights } from '../../sample-app/lab/evolution/catalog-flights.js';
import { SwitchedRebuild } from '../../sample-app/lab/evolution/switched-rebuild.js';
import { SystemSwitch } from '../../sample-app/lab/evolution/system-switch.js';

describe.each([
  ['the rebuild', CatalogRebuild],
  ['the rebuild of the lab, under @WithLock', SwitchedRebuild],
])('%s', (_name, kind) => {
  /** The one entry. */
  let cached: CachedCatalog | null;
  /** What the database says. */
  let name: string;
  let version: number;
  let builds: number;
  /** Called when a build has put what it read, before its lock is given back. */
  let onPut: () => Promise<void> | void;
  let app: INestApplicationContext;
  let catalog: CatalogRebuild;

  beforeEach(async () => {
    cached = null;
    name = 'Oak';
    version = 1;
    builds = 0;
    onPut = () => undefined;
    const build = async (): Promise<VersionedCatalog> => {
      builds += 1;
      const built = { version, json: name };
      cached = { ...built, current: true };
      await onPut();
      return built;
    };
    const parts = [
      { provide: CatalogCache, useValue: { get: async () => cached } },
      { provide: CatalogBuilder, useValue: { build } },
      { provide: SystemSwitch, useValue: { current: 'with-lock', lock: () => null } },
      { provide: CatalogFlights, useValue: {} },
    ];
    const imports = [RedisLockModule.forRoot({ memory: true, wait: 1_000 })];
    app = await Test.createTestingModule({ imports, providers: [...parts, kind] }).compile();
    await app.init();
    catalog = app.get(kind);
  });
  afterEach(() => app.close());

  it('is one for many readers at once', async () => {
    const read = await Promise.all(Array.from({ length: 50 }, () => catalog.rebuild('furniture')));
    expect(read).toEqual(Array<VersionedCatalog>(50).fill({ version: 1, json: 'Oak' }));
    expect(builds).toBe(1);
  });

  it('returns the new name to a reader after a change, while a rebuild with the old name is running', async () => {
    let goOn = (): void => undefined;
    let early: Promise<VersionedCatalog> | undefined;
    await new Promise<void>((resolve) => {
      onPut = () => {
        onPut = () => undefined;
        resolve();
        return new Promise<void>((open) => (goOn = open));
      };
      early = catalog.rebuild('furniture');
    });
    name = 'Ash';
    version = 2;
    cached = { version: 1, json: 'Oak', current: false };
    const late = Promise.all([catalog.rebuild('furniture'), catalog.rebuild('furniture')]);
    goOn();
    expect(await early).toEqual({ version: 1, json: 'Oak' });
    expect(await late).toEqual(Array<VersionedCatalog>(2).fill({ version: 2, json: 'Ash' }));
    expect(builds).toBe(2);
  });

  it('in the background is one at a time, and failed ones are not repeated at once', async () => {
    const lease = await app.get(LockService).acquire('catalog:furniture');
    for (let i = 0; i < 20; i += 1) catalog.refresh('furniture');
    await expect(catalog.rebuild('furniture')).rejects.toThrow(LockBusyError);
    await lease.release();
    catalog.refresh('furniture');
    await catalog.beforeApplicationShutdown();
    expect(builds).toBe(0);
    catalog.refresh('lighting');
    await catalog.beforeApplicationShutdown();
    expect(builds).toBe(1);
  });

  it('starts again after one that did not get the lock', async () => {
    const lease = await app.get(LockService).acquire('catalog:furniture');
    await expect(catalog.rebuild('furniture')).rejects.toThrow(LockBusyError);
    await lease.release();
    expect(await catalog.rebuild('furniture')).toEqual({ version: 1, json: 'Oak' });
  });
});
