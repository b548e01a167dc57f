import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, NotFoundException, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  currentLease,
  LockService,
  LockUnavailableError,
  RedisLockModule,
  WithLock,
  type LockServiceOptions,
  type RedisLockOptionsFactory,
} from 'nestjs-redis-lock';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';
import { countEntries } from './helpers/count-entries.js';

@Injectable()
class Jobs {
  inside = 0;
  most = 0;
  private readonly gates = new Map<string, () => void>();

  @Inject(LockService)
  readonly locks!: LockService;

  @WithLock('job:<0>')
  async notFound(_id: string): Promise<never> {
    throw new NotFoundException('no such job');
  }

  @WithLock('job:<0>')
  async quick(id: string): Promise<string> {
    return `${id} under ${currentLease()?.name ?? 'no lock'}`;
  }

  /** Stays inside until `open`. */
  @WithLock('job:<0>')
  async slow(id: string): Promise<string> {
    return this.stay(id);
  }

  @WithLock('job:<0>', { wait: 300 })
  async impatient(id: string): Promise<string> {
    return this.stay(id);
  }

  @WithLock('job:<0>', { lease: 30, renew: false })
  async outlivesItsLease(_id: string, error?: Error): Promise<string> {
    const { signal } = currentLease()!;
    // On a busy machine the lease may have ended already.
    if (!signal.aborted) await once(signal, 'abort');
    if (error !== undefined) throw error;
    return 'the result';
  }

  @WithLock('job:<0>')
  async nested(id: string): Promise<string> {
    return `nested ${await this.quick(id)}`;
  }

  @WithLock('job:<0>')
  async lasting(_id: string, ms: number): Promise<void> {
    this.most = Math.max(this.most, ++this.inside);
    await sleep(ms);
    this.inside--;
  }

  @WithLock('job:<0>', { onBusy: 'skip' })
  async skipping(id: string): Promise<string | undefined> {
    return id;
  }

  open(id: string): void {
    this.gates.get(id)?.();
    this.gates.delete(id);
  }

  private async stay(id: string): Promise<string> {
    this.most = Math.max(this.most, ++this.inside);
    await new Promise<void>((resolve) => this.gates.set(id, resolve));
    this.inside--;
    return id;
  }
}

const apps: INestApplicationContext[] = [];

async function start(options: LockServiceOptions): Promise<Jobs> {
  const module = await Test.createTestingModule({
    imports: [RedisLockModule.forRoot(options)],
    providers: [Jobs],
  }).compile();
  apps.push(await module.init());
  return module.get(Jobs);
}

const shared = () => ({ url: testRedisUrl(), keyPrefix: `${uniqueName('peers')}:` });

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

describe('bugs of nestjs-redlock-universal that this library does not have', () => {
  it('an error of the method is passed on unchanged (there: every error is wrapped)', async () => {
    const jobs = await start(shared());

    const error = await jobs.notFound('1').catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(NotFoundException);
    expect((error as NotFoundException).getStatus()).toBe(404);
  });

  it('nothing is kept for a name that is no longer in use (there: a lock object for every name, forever)', async () => {
    const jobs = await start(shared());
    const useNames = async (from: number, to: number) => {
      for (let n = from; n < to; n += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, index) => jobs.quick(String(n + index))));
      }
      return countEntries(jobs.locks);
    };

    const before = await useNames(0, 200);
    const after = await useNames(200, 2_200);

    // So that the count is known to see what is kept for a name.
    const held = Array.from({ length: 200 }, (_, index) => jobs.locks.acquire(`held:${String(index)}`));
    await Promise.all(held);
    const whileHeld = countEntries(jobs.locks);
    await Promise.all(held.map(async (lease) => (await lease).release()));

    expect(after - before).toBeLessThan(200);
    expect(whileHeld - after).toBeGreaterThanOrEqual(200);
  });

  it("a shutdown during a section neither closes the caller's client nor leaves the key (there: both)", async () => {
    const client = redisClient();
    const { keyPrefix } = shared();
    const jobs = await start({ client, keyPrefix });
    const result = jobs.slow('1');
    await waitUntil('it is inside', () => jobs.inside === 1);

    const closing = Promise.all(apps.splice(0).map((app) => app.close()));
    await waitUntil('new locks are refused', () =>
      jobs.quick('2').then(
        () => false,
        () => true,
      ),
    );
    const during = await client.exists(`${keyPrefix}job:1`);
    jobs.open('1');
    await closing;

    expect(await result).toBe('1');
    expect([during, await client.exists(`${keyPrefix}job:1`)]).toEqual([1, 0]);
    expect(client.status).toBe('ready');
    client.disconnect();
  });

  it('useExisting uses the existing instance (there: a second one is created)', async () => {
    let made = 0;

    @Injectable()
    class Settings implements RedisLockOptionsFactory {
      constructor() {
        made++;
      }

      createRedisLockOptions(): LockServiceOptions {
        return { memory: true };
      }
    }

    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings })],
    }).compile();
    apps.push(await module.init());

    expect(made).toBe(1);
  });
});

describe('bugs of murlock that this library does not have', () => {
  it('a method that outlives its lease keeps its result, or its error (there: "Failed to release lock")', async () => {
    const jobs = await start(shared());

    expect(await jobs.outlivesItsLease('1')).toBe('the result');
    await expect(jobs.outlivesItsLease('1', new TypeError('its own'))).rejects.toThrow(new TypeError('its own'));
  });

  it('a method can call another one with the same lock (there: it waits for itself)', async () => {
    const jobs = await start(shared());

    expect(await jobs.nested('1')).toBe('nested 1 under job:1');
  });
});

describe('bugs of @nestjs-redis/lock that this library does not have', () => {
  it('a section may last longer than a lease (there: the next caller enters after 100 ms, without a warning)', async () => {
    const leaseMs = 1_000;
    const jobs = await start({ ...shared(), lease: leaseMs });

    await Promise.all([jobs.lasting('1', 2.5 * leaseMs), jobs.lasting('1', 0)]);

    expect(jobs.most).toBe(1);
  });

  it('an unreachable Redis is distinguished from a taken lock (there: one plain Error for both)', async () => {
    const jobs = await start({ url: 'redis://127.0.0.1:1', startup: 'background', commandTimeout: 100, wait: 200 });

    await expect(jobs.skipping('1')).rejects.toThrow(LockUnavailableError);
  });
});

describe('bugs of @huangang/nestjs-simple-redis-lock that this library does not have', () => {
  it("a caller that stops waiting keeps the holder's lock (there: it is deleted, and two callers are inside)", async () => {
    const jobs = await start(shared());
    const holding = jobs.slow('1');
    await waitUntil('it is inside', () => jobs.inside === 1);

    await expect(jobs.impatient('1')).rejects.toMatchObject({ code: 'LOCK_BUSY' });
    await expect(jobs.impatient('1')).rejects.toMatchObject({ code: 'LOCK_BUSY' });

    expect(await jobs.locks.inspect('job:1')).toMatchObject({ held: true });
    expect(jobs.most).toBe(1);
    jobs.open('1');
    await holding;
  });

  it('the lock is free once the call has returned (there: the release is not awaited)', async () => {
    const jobs = await start(shared());

    for (let n = 0; n < 20; n++) {
      expect(await jobs.quick('1')).toBe('1 under job:1');
      expect(await jobs.locks.inspect('job:1')).toMatchObject({ held: false });
    }
  });
});

describeWithRedisServer(
  'bugs of @huangang/nestjs-simple-redis-lock, after a crash of Redis, that this library does not have',
  () => {
    it('a failed release causes no unhandled rejection, and the result is kept', async () => {
      await using redis = await RedisServer.start();
      const jobs = await start({ url: redis.url, commandTimeout: 100, lease: 1_000 });
      const result = jobs.slow('1');
      await waitUntil('it is inside', () => jobs.inside === 1);

      const held = jobs.locks.stats().held;
      await redis.kill();
      jobs.open('1');
      const value = await result;
      await Promise.all(apps.splice(0).map((app) => app.close()));
      // Jest fails a test in which a rejection is unhandled.
      await sleep(50);

      expect([held, value]).toEqual([1, '1']);
    });
  },
);

describe('bugs of @anchan828/nest-redlock that this library does not have', () => {
  it('the package can be imported (there: ERR_MODULE_NOT_FOUND)', async () => {
    const script = `import { WithLock } from 'nestjs-redis-lock'; console.log(typeof WithLock);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));

    const [code] = await once(child, 'close');

    expect({ code, said }).toEqual({ code: 0, said: 'function\n' });
  });
});
