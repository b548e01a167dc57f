import { Injectable, Module } from '@nestjs/common';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { currentLease, RedisLockModule, WithLock } from 'nestjs-redis-lock';
import type { LockServiceOptions } from 'nestjs-redis-lock';
import { nothingTold } from './evolution-lock.js';
import type { EvolutionLock, Held } from './evolution-lock.js';

@Injectable()
class GuardedWork {
  @WithLock((name: string) => name)
  async run<T>(_name: string, work: (held: Held) => Promise<T>): Promise<T> {
    return work(currentLease() ?? nothingTold);
  }
}

@Module({ providers: [GuardedWork] })
class GuardedWorkModule {
  constructor(readonly guarded: GuardedWork) {}

  static with(options: LockServiceOptions): DynamicModule {
    return { module: GuardedWorkModule, imports: [RedisLockModule.forRoot(options)] };
  }
}

/** This library, as a Nest application uses it: a provider with `@WithLock` on its method. */
export class DecoratedLock implements EvolutionLock {
  private constructor(
    private readonly app: INestApplicationContext,
    private readonly guarded: GuardedWork,
  ) {}

  static async open(options: LockServiceOptions): Promise<DecoratedLock> {
    const app = await NestFactory.createApplicationContext(GuardedWorkModule.with(options), {
      logger: false,
      abortOnError: false,
    });
    return new DecoratedLock(app, app.get(GuardedWork));
  }

  withLock<T>(name: string, work: (held: Held) => Promise<T>): Promise<T> {
    return this.guarded.run(name, work);
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}
