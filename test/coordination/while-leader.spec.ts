import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Inject,
  Injectable,
  Module,
  Scope,
  type DynamicModule,
  type INestApplicationContext,
  type ModuleMetadata,
  type Provider,
} from '@nestjs/common';
import { LazyModuleLoader, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  connectLockService,
  LeaderElection,
  LockConfigError,
  LockNameError,
  LockService,
  LockShutdownError,
  WhileLeader,
  type Lease,
} from 'nestjs-redis-lock';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lockModule } from '../nest/helpers/lock-module.js';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

/** What happened, in all apps. */
let events: string[];
let apps: INestApplicationContext[];

beforeEach(() => {
  events = [];
  apps = [];
});
afterEach(async () => {
  await Promise.all(apps.map(close));
});

/** Nest 11 does not close an app that failed to start. */
async function close(app: INestApplicationContext): Promise<void> {
  await app.close().catch(() => app.get(LockService).close());
}

async function untilAbort({ signal }: Lease): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

async function start(metadata: ModuleMetadata, module: DynamicModule = lockModule()): Promise<INestApplicationContext> {
  const imports = [module, ...(metadata.imports ?? [])];
  const testing = await Test.createTestingModule({ ...metadata, imports }).compile();
  testing.useLogger(false);
  apps.push(testing);
  await testing.init();
  return testing;
}

@Injectable()
class Relay {
  readonly terms: Lease[] = [];

  @WhileLeader('relay', { lease: 5_000 })
  async run(term: Lease): Promise<void> {
    events.push(`${this.constructor.name} begins`);
    this.terms.push(term);
    await untilAbort(term);
    // Work that ends takes a moment.
    await new Promise((resolve) => setTimeout(resolve, 50));
    events.push(`${this.constructor.name} ends`);
  }
}

class Inherited extends Relay {}

const begun = (what = 'Relay') => waitUntil('it runs', () => events.includes(`${what} begins`));

describe('@WhileLeader', () => {
  it('runs a method in one app of several, and in the next one after the shutdown of the first', async () => {
    const keyPrefix = `${uniqueName()}:`;
    const replicas = await Promise.all([1, 2, 3].map(() => start({ providers: [Relay] }, lockModule({ keyPrefix }))));
    const terms = () => replicas.map((app) => app.get(Relay).terms.length);
    await waitUntil(
      'the others wait',
      () => replicas.filter((app) => app.get(LockService).stats().waiting > 0).length === 2,
    );
    expect(terms().sort()).toEqual([0, 0, 1]);
    for (const left of [2, 1]) {
      const leader = replicas.find((app) => app.get(Relay).terms.length > 0)!;
      await leader.close();
      expect(leader.get(Relay).terms[0]!.signal.reason).toBeInstanceOf(LockShutdownError);
      replicas.splice(replicas.indexOf(leader), 1);
      await waitUntil('the next one leads', () => terms().includes(1));
      expect(replicas).toHaveLength(left);
    }
    expect(events).toEqual(['Relay begins', 'Relay ends', 'Relay begins', 'Relay ends', 'Relay begins']);
  });

  it('starts after the bootstrap hook of its instance, and ends before its destroy hook and those of what it uses', async () => {
    const hooks = (name: string) => ({
      onModuleDestroy: () => void events.push(`${name} is destroyed`),
      beforeApplicationShutdown: () => void events.push(`${name} before shutdown`),
    });
    @Module({})
    class DatabaseModule {}
    const database = {
      module: DatabaseModule,
      providers: [{ provide: 'database', useFactory: () => hooks('database') }],
      exports: ['database'],
    };
    @Injectable()
    class Hooked extends Relay {
      async onApplicationBootstrap(): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, 50));
        events.push('bootstrap');
      }

      async onModuleDestroy(): Promise<void> {
        await Promise.resolve();
        events.push('Hooked is destroyed');
      }
    }
    @Module({})
    class RelayModule {}
    const relay = {
      module: RelayModule,
      imports: [database],
      providers: [{ provide: Hooked, useFactory: () => new Hooked(), inject: ['database'] }],
    };
    const app = await start({ imports: [relay], providers: [{ provide: 'root', useFactory: () => hooks('root') }] });
    await begun('Hooked');
    await app.close();
    expect(events).toEqual([
      'bootstrap',
      'Hooked begins',
      'root is destroyed',
      'Hooked ends',
      'Hooked is destroyed',
      'database is destroyed',
      'root before shutdown',
      'database before shutdown',
    ]);
  });

  it('lets all leaders of an app resign together', async () => {
    let both: () => void = () => undefined;
    const bothAborted = new Promise<void>((resolve) => (both = resolve));
    let aborted = 0;
    const end = async (term: Lease) => {
      events.push('begins');
      await untilAbort(term);
      aborted += 1;
      if (aborted === 2) both();
      await bothAborted;
    };
    @Injectable()
    class First {
      @WhileLeader('first')
      run(term: Lease): Promise<void> {
        return end(term);
      }
    }
    @Injectable()
    class Second {
      @WhileLeader('second')
      run(term: Lease): Promise<void> {
        return end(term);
      }
    }
    @Module({ providers: [First] })
    class FirstModule {}
    const app = await start({ imports: [FirstModule], providers: [Second] });
    await waitUntil('both run', () => events.length === 2);
    // If one had to end before the other is told, neither would end.
    await app.close();
    expect(aborted).toBe(2);
  });

  it.each([
    { what: 'a class', providers: [Relay], name: 'Relay' },
    { what: 'a subclass', providers: [Inherited], name: 'Inherited' },
    {
      what: 'an instance from a factory',
      providers: [{ provide: 'it', useFactory: () => new Relay() }],
      name: 'Relay',
    },
    { what: 'a value', providers: [{ provide: 'it', useValue: new Relay() }], name: 'Relay' },
    {
      what: 'a provider with an alias',
      providers: [Relay, { provide: 'it', useExisting: Relay }],
      name: 'Relay',
    },
  ])('runs on $what', async ({ providers, name }) => {
    const app = await start({ providers: providers as Provider[] });
    await begun(name);
    await app.close();
    expect(events).toEqual([`${name} begins`, `${name} ends`]);
  });

  it('runs on a controller, and on a connection with a name', async () => {
    const keyPrefix = `${uniqueName()}:`;
    const other = lockModule({ name: 'other', keyPrefix });
    @Controller()
    class Gate extends Relay {
      @WhileLeader('gate', { connection: 'other' })
      override run(term: Lease): Promise<void> {
        return super.run(term);
      }
    }
    const app = await start({ imports: [other], controllers: [Gate] });
    await begun('Gate');
    await using outside = await connectLockService({ url: testRedisUrl(), keyPrefix });
    expect(await new LeaderElection(outside, 'gate').leader()).toMatchObject({
      where: expect.stringContaining(String(process.pid)),
    });
    expect(await new LeaderElection(outside, 'relay').leader()).toBeNull();
    await app.close();
    expect(events).toEqual(['Gate begins', 'Gate ends']);
  });

  it('runs methods of two connections on one instance', async () => {
    @Injectable()
    class Both extends Relay {
      @WhileLeader('gate', { connection: 'other' })
      async guard(term: Lease): Promise<void> {
        events.push('guard begins');
        await untilAbort(term);
        events.push('guard ends');
      }
    }
    const app = await start({ imports: [lockModule({ name: 'other' })], providers: [Both] });
    await begun('Both');
    await begun('guard');
    await app.close();
    expect([...events].sort()).toEqual(['Both begins', 'Both ends', 'guard begins', 'guard ends']);
  });

  it('leaves no hook on an instance that another app uses later', async () => {
    const relay = new Relay();
    for (const round of [1, 2]) {
      const app = await start({ providers: [{ provide: 'it', useValue: relay }] });
      await waitUntil('it runs', () => relay.terms.length === round);
      await app.close();
      expect(Object.getOwnPropertyNames(relay)).toEqual(['terms']);
    }
    expect(events).toHaveLength(4);
  });

  it('runs again on this process after its term was lost', async () => {
    const app = await start({ providers: [Relay] });
    await begun();
    await app.get(LockService).forceRelease('relay');
    await waitUntil('it runs again', () => app.get(Relay).terms.length === 2, 60_000);
    const [first, second] = app.get(Relay).terms;
    expect(second!.token).toBeGreaterThan(first!.token);
  });

  it('is waited for at shutdown for as long as "shutdownTimeout"', async () => {
    let end: () => void = () => undefined;
    @Injectable()
    class Stubborn {
      @WhileLeader('stubborn')
      async run(): Promise<void> {
        events.push('begins');
        await new Promise<void>((resolve) => (end = resolve));
      }

      onModuleDestroy(): void {
        events.push('is destroyed');
      }
    }
    const app = await start({ providers: [Stubborn] }, lockModule({ shutdownTimeout: 300 }));
    await waitUntil('it runs', () => events.includes('begins'));
    await app.close();
    expect(events).toEqual(['begins', 'is destroyed']);
    end();
  });

  it('does not run in an app that fails to start', async () => {
    @Injectable()
    class Broken {
      onModuleInit(): void {
        throw new Error('no port');
      }
    }
    await expect(start({ providers: [Relay, Broken] })).rejects.toThrow('no port');
    await close(apps[0]!);
    expect(events).toEqual([]);
  });

  it('cannot be called without a lease', async () => {
    const relay = new Relay();
    await expect((async () => relay.run(undefined as never))()).rejects.toThrow('Relay.run was not run');
    // In a unit test it gets a lease of the test.
    await using locks = await connectLockService({ memory: true });
    const lease = await locks.acquire('relay');
    const running = relay.run(lease);
    await lease.release();
    await expect((async () => relay.run(lease))()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await locks.close();
    expect(events).toEqual(['Relay begins']);
    void running;
  });

  it('does not run in a module that is loaded lazily, which has no lifecycle hooks', async () => {
    const app = await start({});
    @Module({ providers: [Relay] })
    class LazyModule {}
    const lazy = await app.get(LazyModuleLoader).load(() => LazyModule);
    const relay = lazy.get(Relay);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(events).toEqual([]);
    // There the class takes part by itself.
    const stop = new AbortController();
    const leading = new LeaderElection(app.get(LockService), 'relay').lead((term) => relay.run(term), stop);
    await begun();
    stop.abort();
    await leading;
  });

  it('does not run if a test replaces the service', async () => {
    const testing = await Test.createTestingModule({ imports: [lockModule()], providers: [Relay] })
      .overrideProvider(LockService)
      .useValue({})
      .compile();
    await testing.init();
    await testing.close();
    expect(events).toEqual([]);
  });

  describe('is rejected at start-up', () => {
    const rejected = async (metadata: ModuleMetadata): Promise<Error> => {
      const error = await start(metadata).then(
        () => new Error('it started'),
        (reason: unknown) => reason as Error,
      );
      expect(error).toBeInstanceOf(LockConfigError);
      return error;
    };

    it.each([
      { what: 'a request-scoped provider', provider: { provide: Relay, useClass: Relay, scope: Scope.REQUEST } },
      { what: 'a transient provider', provider: { provide: Relay, useClass: Relay, scope: Scope.TRANSIENT } },
    ])('on $what', async ({ provider }) => {
      expect((await rejected({ providers: [provider] })).message).toContain(
        'Relay.run: its provider is request-scoped',
      );
    });

    it('on a provider that depends on a request', async () => {
      @Injectable()
      class OfRequest extends Relay {
        constructor(@Inject(REQUEST) readonly request: unknown) {
          super();
        }
      }
      expect((await rejected({ providers: [OfRequest] })).message).toContain('request-scoped');
    });

    it('if two methods have one name', async () => {
      @Injectable()
      class Other {
        @WhileLeader('relay')
        async run(): Promise<void> {
          await Promise.resolve();
        }
      }
      const { message } = await rejected({ providers: [Relay, Other] });
      expect(message).toContain('"relay"');
      expect(message).toContain('Other.run');
      expect(message).toContain('Relay.run');
    });

    it('if a class has two instances', async () => {
      @Module({})
      class OtherModule {}
      const twice = { imports: [{ module: OtherModule, providers: [Relay] }], providers: [Relay] };
      expect((await rejected(twice)).message).toContain('Relay.run has two instances');
    });

    it('on a frozen instance', async () => {
      const frozen = { provide: 'it', useValue: Object.freeze(new Relay()) };
      expect((await rejected({ providers: [frozen] })).message).toContain('frozen');
    });

    it('without the module', async () => {
      await expect(Test.createTestingModule({ providers: [Relay] }).compile()).rejects.toThrow(/resolve dependencies/);
    });
  });

  it('accepts methods of one term that return a promise, by their types', () => {
    class Typed {
      @WhileLeader('a')
      async none(): Promise<void> {}

      @WhileLeader('b')
      async term(_term: Pick<Lease, 'signal'>): Promise<number> {
        return Promise.resolve(1);
      }

      // @ts-expect-error -- it would return at once
      @WhileLeader('c')
      sync(_term: Lease): void {}

      // @ts-expect-error -- the app does not pass the second argument
      @WhileLeader('d')
      async other(_term: Lease, _tenant: string): Promise<void> {}

      // @ts-expect-error -- its argument is the lease of the term
      @WhileLeader('e')
      async named(_name: string): Promise<void> {}
    }
    expect(Object.getOwnPropertyNames(Typed.prototype)).toHaveLength(6);
  });

  it('rejects a name, an option or a member that cannot be used when the class is loaded', () => {
    expect(() => WhileLeader('')).toThrow(LockNameError);
    expect(() => WhileLeader('x', { lease: 1 })).toThrow('"lease"');
    expect(() => WhileLeader('x', { wait: 1 } as never)).toThrow('@WhileLeader has no option "wait"');
    expect(() => WhileLeader('x', { connection: '' })).toThrow('"connection"');
    expect(() => WhileLeader('x', null as never)).toThrow(LockConfigError);
    const decorate = WhileLeader('x') as MethodDecorator;
    const of = (value: unknown) => () => decorate({}, 'run', { value });
    expect(of(5)).toThrow('it is not a method');
    expect(() => decorate(Relay, 'run', { value: () => undefined })).toThrow('it is static');
  });

  it('leaves nothing that keeps the process alive', async () => {
    const script = `
      import 'reflect-metadata';
      import { NestFactory } from '@nestjs/core';
      import { RedisLockModule, WhileLeader } from 'nestjs-redis-lock';
      import { once } from 'node:events';
      class Relay {
        async run({ signal }) {
          console.log('begins');
          app.close().then(() => console.log('closed'));
          await once(signal, 'abort');
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Relay.prototype, 'run');
      WhileLeader(process.env.NAME)(Relay.prototype, 'run', descriptor);
      Object.defineProperty(Relay.prototype, 'run', descriptor);
      class AppModule {}
      const imports = [RedisLockModule.forRoot({ url: process.env.TEST_REDIS_URL })];
      const app = await NestFactory.createApplicationContext(
        { module: AppModule, imports, providers: [Relay] },
        { logger: false },
      );
    `;
    const env = { ...process.env, NODE_OPTIONS: '', TEST_REDIS_URL: testRedisUrl(), NAME: uniqueName() };
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = await once(child, 'close');
    expect({ code, said }).toEqual({ code: 0, said: 'begins\nclosed\n' });
  });
});
