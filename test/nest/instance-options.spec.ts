import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope, type INestApplicationContext, type Provider } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { currentLease, LockBusyError, LockConfigError, LockService, WithLock } from 'nestjs-redis-lock';
import { defer, firstValueFrom, Observable, of } from 'rxjs';
import { lockModule } from './helpers/lock-module.js';

/** As `ConfigService`: values that are known only when the app has started. */
@Injectable()
class Settings {
  private readonly values = new Map<string, unknown>(Object.entries({ wait: 0, lease: 7_000, keep: 0, replicas: 0 }));

  get(key: string): number {
    return this.values.get(key) as number;
  }

  set(key: string, value: unknown): void {
    this.values.set(key, value);
  }
}

@Injectable()
class Catalog {
  runs = 0;

  constructor(@Inject(Settings) private readonly settings: Settings) {}

  @WithLock('patient:<0>', { wait: (self: Catalog) => self.settings.get('wait') })
  async patient(_id: string): Promise<void> {
    this.runs += 1;
  }

  @WithLock('leased:<0>', { lease: (self: Catalog) => self.settings.get('lease'), wait: 0 })
  async leased(_id: string): Promise<number> {
    return currentLease()!.remaining();
  }

  @WithLock('short', { lease: (self: Catalog) => self.settings.get('lease'), renew: false, holdAtLeast: 1_000 })
  async short(): Promise<void> {
    this.runs += 1;
  }

  @WithLock('kept:<0>', { holdAtLeast: (self: Catalog) => self.settings.get('keep') })
  async kept(_id: string): Promise<void> {}

  @WithLock('replicated:<0>', { minReplicas: (self: Catalog) => self.settings.get('replicas'), wait: 0 })
  async replicated(_id: string): Promise<string> {
    return 'done';
  }

  @WithLock('skipped:<0>', { wait: (self: Catalog) => self.settings.get('wait'), onBusy: 'skip' })
  async skipped(_id: string): Promise<string | undefined> {
    return 'ran';
  }

  @WithLock('stream:<0>', { wait: (self) => self.settings.get('wait') })
  stream(_id: string): Observable<string> {
    return defer(() => of(currentLease()!.name));
  }
}

@Injectable()
class Tenant {
  constructor(@Inject('TENANT') private readonly tenant: string) {}

  @WithLock(function (this: Tenant, id: string) {
    return `${this.tenant}:${id}`;
  })
  async rebuild(_id: string): Promise<string> {
    return currentLease()!.name;
  }
}

@Injectable({ scope: Scope.REQUEST })
class TenantOfRequest {
  constructor(
    @Inject(REQUEST) private readonly request: { readonly tenant: string; readonly lease: number },
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  @WithLock(
    function (this: TenantOfRequest, id: string) {
      return `${this.request.tenant}:${id}`;
    },
    { lease: (self) => self.request.lease, wait: (self) => self.settings.get('wait') },
  )
  async rebuild(_id: string): Promise<string> {
    const { name } = currentLease()!;
    return `${name} for ${String(Math.ceil(currentLease()!.remaining() / 1_000))} s`;
  }
}

describe('options of @WithLock that are functions of the instance', () => {
  const apps: INestApplicationContext[] = [];

  async function start(...providers: Provider[]): Promise<INestApplicationContext> {
    const app = await Test.createTestingModule({
      imports: [lockModule()],
      providers: [Settings, ...providers],
    }).compile();
    apps.push(app);
    return app.init();
  }

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  it('take their value from a provider at each call', async () => {
    const app = await start(Catalog);
    const catalog = app.get(Catalog);
    const held = await app.get(LockService).acquire('patient:a');
    await expect(catalog.patient('a')).rejects.toBeInstanceOf(LockBusyError);

    app.get(Settings).set('wait', 20_000);
    const waiting = catalog.patient('a');
    await held.release();
    await waiting;
    expect(catalog.runs).toBe(1);
  });

  it('may give the lease, `holdAtLeast` and `minReplicas`', async () => {
    const app = await start(Catalog);
    const [catalog, settings, locks] = [app.get(Catalog), app.get(Settings), app.get(LockService)];
    const remaining = await catalog.leased('a');
    expect(remaining).toBeGreaterThan(1_000);
    expect(remaining).toBeLessThanOrEqual(7_000);

    settings.set('keep', 60_000);
    await catalog.kept('a');
    expect((await locks.inspect('kept:a')).held).toBe(true);

    await expect(catalog.replicated('a')).resolves.toBe('done');
    settings.set('replicas', 1);
    await expect(catalog.replicated('a')).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  it('work together with onBusy', async () => {
    const app = await start(Catalog);
    const held = await app.get(LockService).acquire('skipped:a');
    await expect(app.get(Catalog).skipped('a')).resolves.toBeUndefined();
    await held.release();
    await expect(app.get(Catalog).skipped('a')).resolves.toBe('ran');
  });

  it('work on a method that returns an Observable', async () => {
    const app = await start(Catalog);
    const held = await app.get(LockService).acquire('stream:a');
    await expect(firstValueFrom(app.get(Catalog).stream('a'))).rejects.toBeInstanceOf(LockBusyError);
    await held.release();
    await expect(firstValueFrom(app.get(Catalog).stream('a'))).resolves.toBe('stream:a');
  });

  it.each([
    [undefined, 'Catalog.patient was not run: the function for "wait" must return a number, but returned undefined'],
    ['5000', 'the function for "wait" must return a number, but returned "5000"'],
    [Promise.resolve(5), 'the function for "wait" must return a number, but returned an object'],
    [-1, '"wait" must be a whole number from 0 to 2147483647, but is -1'],
    [Number.NaN, '"wait" must be a whole number from 0 to 2147483647, but is NaN'],
  ])('are checked at each call: %p', async (value, message) => {
    const app = await start(Catalog);
    const catalog = app.get(Catalog);
    app.get(Settings).set('wait', value);
    const error: unknown = await catalog.patient('a').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockConfigError);
    expect((error as Error).message).toContain(message);
    await expect(firstValueFrom(catalog.stream('a'))).rejects.toBeInstanceOf(LockConfigError);
    expect(catalog.runs).toBe(0);

    app.get(Settings).set('wait', 0);
    await catalog.patient('a');
    expect(catalog.runs).toBe(1);
  });

  it('are checked together with the constant options', async () => {
    const app = await start(Catalog);
    const catalog = app.get(Catalog);
    app.get(Settings).set('lease', 500);
    await expect(catalog.short()).rejects.toThrow('"holdAtLeast" (1000) must not be longer than the "lease" (500)');
    expect(catalog.runs).toBe(0);
  });

  it('pass on the error of the function, and do not run the method', async () => {
    const app = await start(Catalog);
    app.get(Settings).get = () => {
      throw new RangeError('no such setting');
    };
    await expect(app.get(Catalog).patient('a')).rejects.toBeInstanceOf(RangeError);
    expect(app.get(Catalog).runs).toBe(0);
  });

  it('get the instance of their own app', async () => {
    const tenants = await Promise.all(
      ['one', 'two'].map((tenant) => start(Tenant, { provide: 'TENANT', useValue: tenant })),
    );
    expect(await Promise.all(tenants.map((app) => app.get(Tenant).rebuild('a')))).toEqual(['one:a', 'two:a']);
  });

  it('get the instance of their own request', async () => {
    const app = await start(TenantOfRequest);
    const answers = await Promise.all(
      [
        { tenant: 'one', lease: 3_000 },
        { tenant: 'two', lease: 5_000 },
      ].map(async (request) => {
        const context = ContextIdFactory.create();
        app.get(ModuleRef).registerRequestByContextId(request, context);
        return (await app.resolve(TenantOfRequest, context)).rebuild('a');
      }),
    );
    expect(answers).toEqual(['one:a for 3 s', 'two:a for 5 s']);
  });
});
