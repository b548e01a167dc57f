import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  applyDecorators,
  Controller,
  Get,
  Injectable,
  Scope,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type LoggerService,
  type NestInterceptor,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { lockChannels, RedisLockModule, UseLock } from 'nestjs-redis-lock';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mergeMap, type Observable } from 'rxjs';
import request from 'supertest';

const log: string[] = [];

@Injectable()
class Transaction implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    log.push('BEGIN');
    return next.handle().pipe(
      mergeMap(async (value) => {
        await new Promise((resolve) => setImmediate(resolve));
        log.push('COMMIT');
        return value as unknown;
      }),
    );
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedTransaction extends Transaction {}

const LockedTransaction = () => applyDecorators(UseLock('a'), UseInterceptors(Transaction));
const TransactionLocked = () => applyDecorators(UseInterceptors(Transaction), UseLock('a'));

@Controller()
class Orders {
  @Get('above')
  @UseLock('a')
  @UseInterceptors(Transaction)
  above(): void {
    log.push('work');
  }

  @Get('below')
  @UseInterceptors(Transaction)
  @UseLock('a')
  below(): void {
    log.push('work');
  }

  @Get('object')
  @UseLock('a')
  @UseInterceptors(new Transaction())
  object(): void {
    log.push('work');
  }

  @Get('composed')
  @LockedTransaction()
  composed(): void {
    log.push('work');
  }

  @Get('composed-other-way')
  @TransactionLocked()
  composedOtherWay(): void {
    log.push('work');
  }

  @Get('two')
  @UseLock('a')
  @UseInterceptors(Transaction)
  @UseLock('b')
  two(): void {
    log.push('work');
  }
}

@UseInterceptors(Transaction)
@Controller()
class InTransaction {
  @Get('handler-of-class')
  @UseLock('a')
  locked(): void {
    log.push('work');
  }

  @Get('without-lock')
  plain(): void {
    log.push('work');
  }
}

@UseLock('a')
@UseInterceptors(Transaction)
@Controller()
class LockAbove {
  @Get('class-above')
  handler(): void {
    log.push('work');
  }
}

@UseInterceptors(Transaction)
@UseLock('a')
@Controller()
class LockBelow {
  @Get('class-below')
  handler(): void {
    log.push('work');
  }

  @Get('class-and-handler')
  @UseLock('b')
  both(): void {
    log.push('work');
  }
}

class Base {
  @Get('inherited')
  @UseLock('a')
  inherited(): void {
    log.push('work');
  }
}

@UseInterceptors(Transaction)
@Controller()
class Derived extends Base {}

@UseInterceptors(Transaction)
class TransactionBase {}

@Controller()
class DerivedFromTransaction extends TransactionBase {
  @Get('inherited-transaction')
  @UseLock('a')
  handler(): void {
    log.push('work');
  }
}

/** As the one of Nest is called. */
class CacheInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

@Controller()
class Empty {}

const ONE_LOCK = ['LOCK a', 'BEGIN', 'work', 'COMMIT', 'UNLOCK a'];
const TWO_LOCKS = ['LOCK a', 'LOCK b', 'BEGIN', 'work', 'COMMIT', 'UNLOCK b', 'UNLOCK a'];

describe('@UseLock beside other interceptors', () => {
  const onAcquired = (message: unknown) => log.push(`LOCK ${(message as { name: string }).name}`);
  const onReleased = (message: unknown) => log.push(`UNLOCK ${(message as { name: string }).name}`);
  const warnings: string[] = [];
  const logger: LoggerService = {
    log: () => undefined,
    error: () => undefined,
    warn: (message: string) => warnings.push(message),
  };
  let app: INestApplication;

  async function start(controllers: Type[], providers: Provider[] = [], use: NestInterceptor[] = []): Promise<void> {
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ memory: true }), RedisLockModule.forRoot({ memory: true, name: 'other' })],
      controllers,
      providers,
    }).compile();
    app = module.createNestApplication({ logger });
    app.useGlobalInterceptors(...use);
    await app.init();
  }

  beforeEach(() => {
    log.length = 0;
    warnings.length = 0;
    subscribe(lockChannels.acquired, onAcquired);
    subscribe(lockChannels.released, onReleased);
  });

  afterEach(async () => {
    unsubscribe(lockChannels.acquired, onAcquired);
    unsubscribe(lockChannels.released, onReleased);
    await app.close();
  });

  it.each<{ path: string; controller: Type; expected?: string[] }>([
    ...['above', 'below', 'object', 'composed', 'composed-other-way'].map((path) => ({ path, controller: Orders })),
    { path: 'handler-of-class', controller: InTransaction },
    { path: 'class-above', controller: LockAbove },
    { path: 'class-below', controller: LockBelow },
    { path: 'inherited', controller: Derived },
    { path: 'inherited-transaction', controller: DerivedFromTransaction },
    { path: 'two', controller: Orders, expected: TWO_LOCKS },
    { path: 'class-and-handler', controller: LockBelow, expected: TWO_LOCKS },
    { path: 'without-lock', controller: InTransaction, expected: ['BEGIN', 'work', 'COMMIT'] },
  ])('takes the lock before a transaction begins, and releases it after the commit: $path', async (given) => {
    await start([given.controller]);

    const { status } = await request(app.getHttpServer()).get(`/${given.path}`);

    expect(status).toBe(200);
    expect(log).toEqual(given.expected ?? ONE_LOCK);
    expect(warnings).toEqual([]);
  });

  it.each([
    { how: 'APP_INTERCEPTOR', provider: { provide: APP_INTERCEPTOR, useClass: Transaction }, name: 'Transaction' },
    {
      how: 'a request-scoped APP_INTERCEPTOR',
      provider: { provide: APP_INTERCEPTOR, useClass: ScopedTransaction },
      name: 'ScopedTransaction',
    },
    {
      how: 'APP_INTERCEPTOR with a factory',
      provider: { provide: APP_INTERCEPTOR, useFactory: () => new Transaction() },
      name: 'Transaction',
    },
    { how: 'app.useGlobalInterceptors()', use: new Transaction(), name: 'Transaction' },
  ])('warns at start-up of an interceptor outside of the lock: $how', async ({ provider, use, name }) => {
    await start([Orders, LockAbove, InTransaction], provider && [provider], use && [use]);

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('@UseLock on Orders, LockAbove, InTransaction');
    expect(warnings[0]).toContain(`: ${name}. If one of them opens a transaction`);
  });

  it('does not warn of interceptors that open no transaction, or of an app without @UseLock', async () => {
    await start([Orders], [], [new CacheInterceptor()]);
    await app.close();
    await start([Empty], [{ provide: APP_INTERCEPTOR, useClass: Transaction }]);

    expect(warnings).toEqual([]);
  });
});
