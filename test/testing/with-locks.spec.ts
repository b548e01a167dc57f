import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { currentLease, RunOnce, SingleFlight, WithLock, WithPermit } from 'nestjs-redis-lock';
import { createTestLockService, withLocks, type TestLockService } from 'nestjs-redis-lock/testing';

class Catalog {
  constructor(readonly prefix: string) {}

  @WithLock('catalog:<0>')
  async rebuild(_section: string): Promise<string> {
    return `${this.prefix} ${currentLease()?.name ?? 'no lock'}`;
  }

  @WithPermit('partner', { permits: 2 })
  async ask(): Promise<string | undefined> {
    return currentLease()?.name;
  }

  @RunOnce('prices', { window: 30_000 })
  async refresh(): Promise<string | undefined> {
    return currentLease()?.name;
  }

  @WithLock('report', { connection: 'reports' })
  async report(): Promise<string | undefined> {
    return currentLease()?.name;
  }
}

class Cached {
  computed = 0;

  @SingleFlight('prices:<0>', { ttl: 60_000 })
  async price(_id: string): Promise<number> {
    return ++this.computed;
  }
}

describe('withLocks()', () => {
  let locks: TestLockService;

  beforeEach(() => {
    locks = createTestLockService();
  });
  afterEach(async () => {
    await locks.close();
  });

  it('gives the decorated methods of an instance their locks', async () => {
    const catalog = withLocks(new Catalog('new'), locks);
    expect(catalog).toBeInstanceOf(Catalog);
    expect(await catalog.rebuild('books')).toBe('new catalog:books');
    expect(await catalog.ask()).toBe('partner');
    expect(await catalog.refresh()).toBe('prices');
    expect(await catalog.refresh()).toBeUndefined();
    expect(await catalog.report()).toBe('report');

    locks.makeBusy('catalog:books');
    await expect(catalog.rebuild('books')).rejects.toMatchObject({ code: 'LOCK_BUSY' });
  });

  it('names itself in the error of an instance without locks', async () => {
    await expect(new Catalog('new').rebuild('books')).rejects.toThrow('withLocks(instance, createTestLockService())');
  });

  it('gives a service to the methods of one connection', async () => {
    await using reports = createTestLockService();
    const catalog = withLocks(new Catalog('new'), reports, { connection: 'reports' });
    expect(await catalog.report()).toBe('report');
    await expect(catalog.rebuild('books')).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
    withLocks(catalog, locks, { connection: 'default' });
    reports.makeBusy('report');
    reports.makeBusy('catalog:books');
    expect(await catalog.rebuild('books')).toBe('new catalog:books');
    await expect(catalog.report()).rejects.toMatchObject({ code: 'LOCK_BUSY' });
  });

  it('gives methods with @SingleFlight a cache', async () => {
    const cache = new Map<string, unknown>();
    const cached = withLocks(new Cached(), locks, {
      cache: { get: async (key) => cache.get(key), set: async (key, value) => cache.set(key, value) },
    });
    expect([await cached.price('1'), await cached.price('1'), await cached.price('2')]).toEqual([1, 1, 2]);
    expect(cache.size).toBe(2);
  });

  it('rejects an instance without decorated methods', () => {
    class Plain {
      readonly name = 'plain';
    }
    expect(() => withLocks(new Plain(), locks)).toThrow('No method of Plain needs a lock service.');
    expect(() => withLocks(new Cached(), locks, { connection: 'reports' })).toThrow(
      'No method of Cached needs a lock service of the connection "reports".',
    );
  });
});
