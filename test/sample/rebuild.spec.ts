import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LockBusyError, LockService, RedisLockModule } from 'nestjs-redis-lock';
import { CatalogBuilder } from '../../sample-app/src/catalog/catalog-builder.js';
import { CatalogCache } from '../../sample-app/src/catalog/catalog-cache.js';
import { CatalogRebuild } from '../../sample-app/src/catalog/catalog-rebuild.js';
import { SwitchedRebuild } from '../../sample-app/src/evolution/switched-rebuild.js';
import { SystemSwitch } from '../../sample-app/src/evolution/system-switch.js';

describe.each([
  ['the rebuild', CatalogRebuild],
  ['the rebuild of the lab, under @WithLock', SwitchedRebuild],
])('%s', (_name, kind) => {
  /** The one entry. */
  let cached: string | null;
  /** What the database says. */
  let name: string;
  let builds: number;
  /** Called when a build has put what it read, before its lock is given back. */
  let onPut: () => Promise<void> | void;
  let app: INestApplicationContext;
  let catalog: CatalogRebuild;

  beforeEach(async () => {
    cached = null;
    name = 'Oak';
    builds = 0;
    onPut = () => undefined;
    const build = async (): Promise<string> => {
      builds += 1;
      const json = name;
      cached = json;
      await onPut();
      return json;
    };
    const parts = [
      { provide: CatalogCache, useValue: { get: async () => cached } },
      { provide: CatalogBuilder, useValue: { build } },
      { provide: SystemSwitch, useValue: { lock: () => null } },
    ];
    const imports = [RedisLockModule.forRoot({ memory: true, wait: 1_000 })];
    app = await Test.createTestingModule({ imports, providers: [...parts, kind] }).compile();
    await app.init();
    catalog = app.get(kind);
  });
  afterEach(() => app.close());

  it('is one for many readers at once', async () => {
    const read = await Promise.all(Array.from({ length: 50 }, () => catalog.rebuild('furniture')));
    expect(read).toEqual(Array<string>(50).fill('Oak'));
    expect(builds).toBe(1);
  });

  it('gives the new name to who asks after a change, while the one that read the old name is under way', async () => {
    let goOn = (): void => undefined;
    let early: Promise<string> | undefined;
    await new Promise<void>((resolve) => {
      onPut = () => {
        onPut = () => undefined;
        resolve();
        return new Promise<void>((open) => (goOn = open));
      };
      early = catalog.rebuild('furniture');
    });
    name = 'Ash';
    cached = null;
    const late = Promise.all([catalog.rebuild('furniture'), catalog.rebuild('furniture')]);
    goOn();
    expect(await early).toBe('Oak');
    expect(await late).toEqual(['Ash', 'Ash']);
    expect(builds).toBe(2);
  });

  it('is begun anew after one that did not get the lock', async () => {
    const lease = await app.get(LockService).acquire('catalog:furniture');
    await expect(catalog.rebuild('furniture')).rejects.toThrow(LockBusyError);
    await lease.release();
    expect(await catalog.rebuild('furniture')).toBe('Oak');
  });
});
