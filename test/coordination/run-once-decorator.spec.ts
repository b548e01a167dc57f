import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Injectable,
  Logger,
  Module,
  Scope,
  type INestApplicationContext,
  type Provider,
} from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Cron, Interval, ScheduleModule, Timeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import {
  currentLease,
  lastRun,
  LockConfigError,
  LockNameError,
  LockService,
  RedisLockModule,
  RunOnce,
  WithLock,
} from 'nestjs-redis-lock';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';
import { lockModule } from '../nest/helpers/lock-module.js';

/** What ran, in all replicas. */
let runs: string[];
let apps: INestApplicationContext[];

beforeEach(() => {
  runs = [];
  apps = [];
});
afterEach(async () => {
  await Promise.all(apps.map((app) => app.close()));
});

async function start(providers: Provider[], keyPrefix = `${uniqueName()}:`, controllers: never[] = []) {
  const testing = await Test.createTestingModule({
    imports: [lockModule({ keyPrefix }), ScheduleModule.forRoot()],
    providers,
    controllers,
  }).compile();
  testing.useLogger(false);
  try {
    await testing.init();
  } catch (error) {
    // Nest calls no hooks of an app that has not started.
    await testing.get(LockService).close();
    throw error;
  }
  apps.push(testing);
  return testing;
}

async function startReplicas(count: number, providers: Provider[]): Promise<INestApplicationContext[]> {
  const keyPrefix = `${uniqueName()}:`;
  return Promise.all(Array.from({ length: count }, () => start(providers, keyPrefix)));
}

@Injectable()
class Above {
  @RunOnce('above')
  @Cron('* * * * * *')
  async report(): Promise<void> {
    await Promise.resolve();
    runs.push(`above ${String(currentLease('above')?.token)}`);
  }
}

@Injectable()
class Below {
  @Cron('* * * * * *')
  @RunOnce('below')
  report(): void {
    runs.push('below');
  }
}

@Injectable()
class Often {
  @Interval(20)
  @RunOnce('often')
  async sweep(): Promise<void> {
    await Promise.resolve();
    runs.push('often');
  }
}

@Injectable()
class Failing {
  @Cron('* * * * * *')
  @RunOnce('failing')
  async report(): Promise<void> {
    runs.push('failing');
    return Promise.reject(new Error('no prices'));
  }
}

@Injectable()
class Called {
  @RunOnce('called', { window: 60_000 })
  async refresh(tenant: string): Promise<string | undefined> {
    runs.push(tenant);
    return Promise.resolve(`${tenant} refreshed by ${this.constructor.name}`);
  }
}

class Inherited extends Called {}

describe('@RunOnce', () => {
  it.each([
    { where: 'above', job: Above, hasLease: true },
    { where: 'below', job: Below, hasLease: false },
  ])('$where @Cron runs one call of each firing', async ({ job, hasLease }) => {
    const replicas = await startReplicas(3, [job]);
    const skipped = () =>
      replicas.map((app) => app.get(LockService).stats().skipped).reduce((sum, { ran }) => sum + ran, 0);
    await waitUntil('two firings', () => runs.length >= 2 && skipped() >= 4);
    // A firing may have begun meanwhile.
    expect(runs.length).toBeLessThanOrEqual(Math.floor(skipped() / 2) + 1);
    // Each run has a token of its own.
    expect(new Set(runs).size).toBe(hasLease ? runs.length : 1);
  });

  it('with @Interval keeps the interval for all replicas together', async () => {
    await startReplicas(4, [Often]);
    const began = performance.now();
    await waitUntil('it ran often', () => runs.length >= 20);
    // Two runs are at least the window of 18 ms apart; the first begins at once.
    expect(performance.now() - began).toBeGreaterThan(19 * 18 - 50);
  });

  it('passes an error on to the scheduler, which logs it, and counts the firing as done', async () => {
    const errors: unknown[] = [];
    const replicas = await startReplicas(3, [Failing]);
    for (const app of replicas) {
      (app as unknown as { useLogger(logger: object): void }).useLogger({
        log: () => undefined,
        warn: () => undefined,
        error: (error: unknown) => errors.push(error),
      });
    }
    await waitUntil('it failed', () => errors.length > 0);
    Logger.overrideLogger(false);
    expect(errors[0]).toMatchObject({ message: 'no prices' });
    expect(runs.length).toBeLessThanOrEqual(errors.length + 1);
  });

  it('gives the caller the result, and the others undefined', async () => {
    const replicas = await startReplicas(3, [Called]);
    const results = await Promise.all(replicas.map((app) => app.get(Called).refresh('berlin')));
    expect(runs).toEqual(['berlin']);
    expect(results.filter((each) => each !== undefined)).toEqual(['berlin refreshed by Called']);
    const [app] = replicas as [INestApplicationContext];
    expect(await lastRun(app.get(LockService), 'called')).toMatchObject({ outcome: 'done' });
  });

  it('works on a subclass, an instance of a factory, and a controller', async () => {
    const app = await start([{ provide: Inherited, useFactory: () => new Inherited() }]);
    expect(await app.get(Inherited).refresh('oslo')).toBe('oslo refreshed by Inherited');

    @Controller()
    class Admin extends Called {}
    const other = await start([], undefined, [Admin as never]);
    expect(await other.get(Admin).refresh('rome')).toBe('rome refreshed by Admin');
  });

  it('works under another lock', async () => {
    @Injectable()
    class Nested {
      @Cron('0 3 * * *')
      @WithLock('outer')
      @RunOnce('inner')
      async report(): Promise<string | undefined> {
        return Promise.resolve(`${String(currentLease('outer')?.name)} ${String(currentLease('inner')?.name)}`);
      }
    }
    const app = await start([Nested]);
    expect(await app.get(Nested).report()).toBe('outer inner');
  });

  it('works in a module that is loaded later', async () => {
    @Injectable()
    class Late {
      @Interval(60_000)
      @RunOnce('late')
      async report(): Promise<string | undefined> {
        return Promise.resolve('ran');
      }
    }
    @Module({})
    class LateModule {}
    const app = await start([]);
    const late = await app
      .get(LazyModuleLoader)
      .load(() => ({ module: LateModule, providers: [Late], exports: [Late] }));
    expect(await late.get(Late).report()).toBe('ran');
  });

  it('uses the connection that it names', async () => {
    @Injectable()
    class Named {
      @RunOnce('named', { window: 1_000, connection: 'jobs' })
      async report(): Promise<string | undefined> {
        return Promise.resolve('ran');
      }
    }
    const testing = await Test.createTestingModule({
      imports: [lockModule({ name: 'jobs' }), RedisLockModule.forRoot({ memory: true })],
      providers: [Named],
    }).compile();
    apps.push(await testing.init());
    expect(await testing.get(Named).report()).toBe('ran');
    expect(await lastRun(testing.get(LockService), 'named')).toBeNull();
  });
});

describe('the start of an app with @RunOnce fails', () => {
  it.each([
    {
      why: 'on a method without metadata',
      type: () => {
        class Job {
          @RunOnce('job')
          async run(): Promise<void> {
            await Promise.resolve();
          }
        }
        return Job;
      },
    },
    {
      why: 'with @Timeout',
      type: () => {
        class Job {
          @Timeout(60_000)
          @RunOnce('job')
          async run(): Promise<void> {
            await Promise.resolve();
          }
        }
        return Job;
      },
    },
    {
      why: 'in a request-scoped class',
      type: () => {
        @Injectable({ scope: Scope.REQUEST })
        class Job {
          @RunOnce('job')
          async run(): Promise<void> {
            await Promise.resolve();
          }
        }
        return Job;
      },
    },
  ])('$why, where no window is known', async ({ type }) => {
    await expect(start([type()])).rejects.toThrow(LockConfigError);
    await expect(start([type()])).rejects.toThrow('Job.run needs "window"');
  });

  it('if calls of several firings would be one', async () => {
    class Often {
      @Interval(500)
      @RunOnce('often', { window: 500 })
      async run(): Promise<void> {
        await Promise.resolve();
      }
    }
    class Each {
      @RunOnce('each', { window: 60_000 })
      @Cron('*/10 * * * * *')
      async run(): Promise<void> {
        await Promise.resolve();
      }
    }
    await expect(start([Often])).rejects.toThrow(
      'Often.run (500 ms) must be shorter than the time between two firings',
    );
    await expect(start([Each])).rejects.toThrow(LockConfigError);
  });

  it('if two jobs have the same name', async () => {
    class First {
      @RunOnce('same', { window: 100 })
      async run(): Promise<void> {
        await Promise.resolve();
      }
    }
    class Second {
      @RunOnce('same', { window: 100 })
      async work(): Promise<void> {
        await Promise.resolve();
      }
    }
    await expect(start([First, Second])).rejects.toThrow('First.run and Second.work have @RunOnce with the same name');
  });

  it('over a quorum', async () => {
    await using nodes = await QuorumNodes.start(3);
    const testing = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ quorum: nodes.servers.map(({ url }) => url), restartGuard: 0 })],
      providers: [Called],
    }).compile();
    testing.useLogger(false);
    await expect(testing.init()).rejects.toThrow('cannot run once over a quorum');
    await testing.get(LockService).close();
  });
});

describe('@RunOnce rejects, when the class is loaded,', () => {
  it.each([
    { what: 'an empty name', apply: () => RunOnce(''), error: LockNameError },
    { what: 'a template', apply: () => RunOnce('job:<0>'), error: LockNameError },
    { what: 'a template of another library', apply: () => RunOnce('job:{0}'), error: LockNameError },
    { what: 'a window of 0', apply: () => RunOnce('job', { window: 0 }), error: LockConfigError },
    { what: 'a window of null', apply: () => RunOnce('job', { window: null as never }), error: LockConfigError },
    { what: 'an unknown option', apply: () => RunOnce('job', { wait: 5 } as never), error: LockConfigError },
    { what: 'an empty connection', apply: () => RunOnce('job', { connection: '' }), error: LockConfigError },
    { what: 'retry: -1', apply: () => RunOnce('job', { retry: -1 }), error: LockConfigError },
  ])('$what', ({ apply, error }) => {
    expect(apply).toThrow(error);
  });

  it('by its type, a method whose result cannot be undefined', () => {
    class Job {
      // @ts-expect-error -- a call that does not run the job resolves with undefined
      @RunOnce('job', { window: 1_000 })
      async run(): Promise<string> {
        return Promise.resolve('ran');
      }
    }
    expect(Job).toBeDefined();
  });

  it('a static method', () => {
    expect(() => {
      class Job {
        readonly kind = 'job';

        @RunOnce('job')
        static async run(): Promise<void> {
          await Promise.resolve();
        }
      }
      return Job;
    }).toThrow('it is static');
  });
});
