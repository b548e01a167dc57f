import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  type INestApplication,
  type InjectionToken,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { DiscoveryService, LazyModuleLoader, ModuleRef, ModulesContainer, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  getLockServiceToken,
  LockConfigError,
  LockService,
  RedisLockModule,
  WithLock,
  type LockServiceOptions,
  type RedisLockModuleAsyncOptions,
  type RedisLockOptionsFactory,
} from 'nestjs-redis-lock';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

@Controller('reports')
class Reports {
  @Get()
  @WithLock('report')
  async build(): Promise<string> {
    return 'built';
  }
}

@Injectable()
class Jobs {
  @WithLock('job')
  async run(): Promise<string> {
    return 'ran';
  }
}

/** A server that counts connections and answers nothing. */
class Listener {
  connections = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => {
    this.connections++;
    this.sockets.add(socket);
    socket.on('error', () => undefined);
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

describe('the lock service of an app', () => {
  const listener = new Listener();
  let url: string;
  let app: INestApplication | undefined;

  beforeEach(async () => {
    listener.connections = 0;
    url = await listener.start();
  });

  afterEach(async () => {
    await app?.close().catch(() => undefined);
    app = undefined;
    await listener.stop();
  });

  async function start(metadata: ModuleMetadata): Promise<INestApplication> {
    const module = await Test.createTestingModule(metadata).compile();
    app = module.createNestApplication({ logger: false });
    return app.init();
  }

  describe('with options from a request-scoped provider', () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped implements RedisLockOptionsFactory {
      createRedisLockOptions(): LockServiceOptions {
        return { url };
      }
    }

    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable extends Scoped {}

    @Injectable()
    class Indirect extends Scoped {
      constructor(@Inject(Scoped) readonly scoped: Scoped) {
        super();
      }
    }

    @Module({ providers: [Scoped, Indirect], exports: [Scoped, Indirect] })
    class SettingsModule {}

    it.each<[string, RedisLockModuleAsyncOptions]>([
      ['useClass', { useClass: Scoped }],
      ['useClass of a durable provider', { useClass: Durable }],
      ['useExisting', { imports: [SettingsModule], useExisting: Scoped }],
      ['useExisting of what depends on it', { imports: [SettingsModule], useExisting: Indirect }],
      ['useFactory with the request', { inject: [REQUEST], useFactory: () => ({ url }) }],
      [
        'useFactory with what depends on it',
        { imports: [SettingsModule], inject: [Indirect], useFactory: () => ({ url }) },
      ],
      ['a named connection', { name: 'other', useClass: Scoped }],
    ])('does not start, and opens no connection: %s', async (_how, options) => {
      const controllers: Type[] = options.name === undefined ? [Reports] : [];
      const starting = start({ imports: [RedisLockModule.forRootAsync(options)], controllers });

      await expect(starting).rejects.toThrow(LockConfigError);
      await expect(starting).rejects.toThrow('come from a request-scoped provider');
      expect(listener.connections).toBe(0);
    });

    it('starts with one service if the provider is transient', async () => {
      @Injectable({ scope: Scope.TRANSIENT })
      class Transient implements RedisLockOptionsFactory {
        createRedisLockOptions(): LockServiceOptions {
          return { memory: true };
        }
      }
      const made = await start({ imports: [RedisLockModule.forRootAsync({ useClass: Transient })], providers: [Jobs] });

      expect(await made.get(Jobs).run()).toBe('ran');
      expect(made.get<LockService>(getLockServiceToken())).toBe(made.get(LockService));
    });
  });

  describe('of a module that is loaded lazily', () => {
    @Module({ imports: [RedisLockModule.forRoot({ memory: true })], providers: [Jobs] })
    class LazyModule {}

    it('is the same, however often and concurrently the module is loaded', async () => {
      const made = await start({});
      const loader = made.get(LazyModuleLoader);
      const load = () => loader.load(() => LazyModule);

      const loaded = [...(await Promise.all([load(), load()])), await load(), await load()];
      const found = loaded.map((each) => each.get(LockService, { strict: false }));

      expect(new Set(found).size).toBe(1);
      expect(await loaded[0]!.get(Jobs, { strict: false }).run()).toBe('ran');
    });

    it('is the same if Nest calls the factory of its provider again', async () => {
      const made = await start({ imports: [RedisLockModule.forRoot({ memory: true })] });
      const discovery = made.get(DiscoveryService, { strict: false });
      const token = getLockServiceToken();
      const wrapper = discovery.getProviders().find((each) => each.token === token);
      const again = wrapper?.metatype as unknown as (...args: unknown[]) => Promise<LockService>;
      const parts = [made.get(ModulesContainer), discovery, made.get(ModuleRef)];

      expect(await again({ url }, ...parts)).toBe(made.get(LockService));
      expect(listener.connections).toBe(0);
    });

    it('rejects a module with the name of another one', async () => {
      @Module({ imports: [RedisLockModule.forRootAsync({ useFactory: () => ({ url }) })] })
      class Second {}
      const made = await start({ imports: [RedisLockModule.forRoot({ memory: true })] });

      await expect(made.get(LazyModuleLoader).load(() => Second)).rejects.toThrow('registered 2 times without a name');
      expect(listener.connections).toBe(0);
    });
  });

  describe('in a test that overrides it', () => {
    const fake = { withLock: (_name: string, section: () => unknown) => section() };

    @Injectable()
    class Fake {
      readonly withLock = fake.withLock;
    }

    const override = async (token: InjectionToken, how: 'useValue' | 'useClass' | 'useFactory') => {
      const builder = Test.createTestingModule({
        imports: [RedisLockModule.forRoot({ url })],
        controllers: [Reports],
        providers: [Jobs],
      }).overrideProvider(token);
      const module = await {
        useValue: () => builder.useValue(fake),
        useClass: () => builder.useClass(Fake),
        useFactory: () => builder.useFactory({ factory: async () => new Fake() }),
      }
        [how]()
        .compile();
      app = module.createNestApplication({ logger: false });
      return app.init();
    };

    it.each(
      (['useValue', 'useClass', 'useFactory'] as const).flatMap((how) => [
        { how, by: 'class', token: LockService as InjectionToken },
        { how, by: 'token', token: getLockServiceToken() as InjectionToken },
      ]),
    )('opens no connection, and decorated methods use the override: by $by, $how', async ({ how, token }) => {
      const made = await override(token, how);

      expect(await made.get(Jobs).run()).toBe('ran');
      expect(await made.get(Reports).build()).toBe('built');
      expect(made.get(getLockServiceToken())).toBe(made.get(LockService));
      expect(made.get(LockService)).not.toBeInstanceOf(LockService);
      expect(listener.connections).toBe(0);
    });
  });
});
