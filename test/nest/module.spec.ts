import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Inject,
  Injectable,
  Module,
  type INestApplicationContext,
  type ModuleMetadata,
  type Provider,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  currentLease,
  getLockServiceToken,
  LockConfigError,
  LockService,
  RedisLockModule,
  WithLock,
  type LockServiceOptions,
  type RedisLockModuleAsyncOptions,
  type RedisLockModuleOptions,
  type RedisLockOptionsFactory,
} from 'nestjs-redis-lock';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { lockModule } from './helpers/lock-module.js';

@Injectable()
class Guarded {
  constructor(
    @Inject(LockService) readonly byClass: LockService,
    @Inject(getLockServiceToken()) readonly byToken: LockService,
  ) {}

  @WithLock('guarded')
  async work(): Promise<string> {
    return currentLease()?.name ?? 'no lock';
  }
}

@Injectable()
class Decorated {
  @WithLock('decorated')
  async work(): Promise<string> {
    return 'done';
  }
}

@Injectable()
class Settings implements RedisLockOptionsFactory {
  readonly prefix = `${uniqueName('settings')}:`;

  createRedisLockOptions(): Promise<LockServiceOptions> {
    return Promise.resolve({ url: testRedisUrl(), keyPrefix: this.prefix });
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Module({ providers: [Guarded], exports: [Guarded] })
class FeatureModule {}

describe('RedisLockModule', () => {
  const apps: INestApplicationContext[] = [];

  async function start(
    imports: ModuleMetadata['imports'],
    providers: Provider[] = [],
  ): Promise<INestApplicationContext> {
    const app = await Test.createTestingModule({ imports, providers }).compile();
    apps.push(app);
    return app.init();
  }

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  it('injects the service by its class and by its token, and into other modules', async () => {
    const app = await start([lockModule(), FeatureModule]);
    const guarded = app.get(Guarded, { strict: false });

    expect(guarded.byClass).toBeInstanceOf(LockService);
    expect(guarded.byToken).toBe(guarded.byClass);
    expect(await guarded.work()).toBe('guarded');
  });

  it.each<[string, () => RedisLockModuleAsyncOptions]>([
    [
      'useFactory with inject and imports',
      () => ({
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: (settings: Settings) => settings.createRedisLockOptions(),
      }),
    ],
    ['useFactory without anything', () => ({ useFactory: () => ({ memory: true }) })],
    ['useClass', () => ({ useClass: Settings })],
    ['useExisting', () => ({ imports: [SettingsModule], useExisting: Settings })],
  ])('forRootAsync: %s', async (_kind, options) => {
    const app = await start([RedisLockModule.forRootAsync(options())], [Guarded]);

    expect(await app.get(Guarded).work()).toBe('guarded');
  });

  it('names the method that replaces createLockOptions', async () => {
    @Injectable()
    class Former {
      createLockOptions(): LockServiceOptions {
        return { memory: true };
      }
    }
    const options = { useClass: Former } as unknown as RedisLockModuleAsyncOptions;
    const starting = start([RedisLockModule.forRootAsync(options)]);

    await expect(starting).rejects.toBeInstanceOf(LockConfigError);
    await expect(starting).rejects.toThrow('createRedisLockOptions(), which replaces createLockOptions()');
  });

  it('forRootAsync takes its settings from each kind of source', async () => {
    const app = await start([
      SettingsModule,
      RedisLockModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings }),
    ]);
    const redis = redisClient();
    const prefix = app.get(Settings, { strict: false }).prefix;

    const exists = await app.get(LockService).withLock('here', () => redis.exists(`${prefix}here`));

    redis.disconnect();
    expect(exists).toBe(1);
  });

  it('forRootAsync has its name before its factory has run', async () => {
    @Injectable()
    class Reports {
      @WithLock('report', { connection: 'reports' })
      async run(): Promise<string> {
        return currentLease()?.name ?? 'no lock';
      }
    }
    const app = await start(
      [RedisLockModule.forRootAsync({ name: 'reports', useFactory: () => ({ memory: true }) })],
      [Reports],
    );

    expect(await app.get(Reports).run()).toBe('report');
    expect(() => app.get(LockService)).toThrow();
  });

  it('runs in memory without Redis, for tests', async () => {
    const app = await start([RedisLockModule.forRoot({ memory: true })], [Guarded]);

    expect(await app.get(Guarded).work()).toBe('guarded');
  });

  it('is available only to modules that import it if it is not global', async () => {
    const local = RedisLockModule.forRoot({ memory: true, isGlobal: false });

    @Module({ imports: [local], providers: [Guarded], exports: [Guarded] })
    class Importing {}

    const app = await start([Importing]);
    expect(await app.get(Guarded, { strict: false }).work()).toBe('guarded');
    await expect(start([local, FeatureModule])).rejects.toThrow("can't resolve dependencies of the Guarded");
  });

  it('can be replaced by its token', async () => {
    const calls: unknown[] = [];
    const fake = { withLock: (name: string, section: () => unknown) => (calls.push(name), section()) };
    const module = await Test.createTestingModule({ imports: [lockModule()], providers: [Decorated] })
      .overrideProvider(getLockServiceToken())
      .useValue(fake)
      .compile();
    apps.push(await module.init());

    expect(await module.get(Decorated).work()).toBe('done');
    expect(calls).toEqual(['decorated']);
  });

  it('makes the start of an app without it fail, and the message names it', async () => {
    await expect(start([], [Decorated])).rejects.toThrow('nestjs-redis-lock/RedisLockModule/default');
  });

  it.each([
    { name: undefined, message: 'registered 2 times without a name' },
    { name: 'reports', message: 'registered 2 times with the name "reports"' },
  ])('rejects two modules with the same name: $name', async ({ name, message }) => {
    const one = RedisLockModule.forRoot({ memory: true, name });
    const other = RedisLockModule.forRootAsync({ name, useFactory: () => ({ memory: true }) });

    const starting = start([one, other]);

    await expect(starting).rejects.toThrow(LockConfigError);
    await expect(starting).rejects.toThrow(message);
  });

  it('may be imported twice with one registration', async () => {
    const locks = lockModule();

    @Module({ imports: [locks] })
    class Importing {}

    await expect(start([locks, Importing], [Guarded])).resolves.toBeDefined();
  });

  it.each([
    { options: {}, message: 'Exactly one of' },
    { options: { url: 'http://x' }, message: '"url" must be' },
    { options: { memory: true, lease: 0 }, message: '"lease" must be' },
    { options: { memory: true, ttl: 1 }, message: 'no option "ttl"' },
    { options: { memory: true, name: '' }, message: '"name" must be' },
    { options: { memory: true, name: 1 }, message: '"name" must be' },
  ])('forRoot rejects $options', ({ options, message }) => {
    const register = () => RedisLockModule.forRoot(options as unknown as RedisLockModuleOptions);

    expect(register).toThrow(LockConfigError);
    expect(register).toThrow(message);
  });

  it.each([{ options: {} }, { options: { useClass: Settings, useFactory: () => ({ memory: true }) } }])(
    'forRootAsync rejects any number of sources but one',
    ({ options }) => {
      expect(() => RedisLockModule.forRootAsync(options as RedisLockModuleAsyncOptions)).toThrow(LockConfigError);
    },
  );

  it("forRootAsync makes start-up fail with the error in the factory's options", async () => {
    const useFactory = () => ({ memory: true, wait: -1 }) as const;

    await expect(start([RedisLockModule.forRootAsync({ useFactory })])).rejects.toThrow(LockConfigError);
  });
});
