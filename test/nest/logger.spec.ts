import { afterEach, describe, expect, it } from '@jest/globals';
import { Module, type DynamicModule, type INestApplicationContext, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockService, RedisLockModule, type LockLogger } from 'nestjs-redis-lock';
import { once } from 'node:events';

@Module({})
class AppModule {}

/** Keeps what the app writes at level `warn`, with its context. */
class AppLog implements LoggerService {
  readonly warnings: string[] = [];
  log(): void {}
  error(): void {}
  warn(message: string, context: string): void {
    this.warnings.push(`[${context}] ${message}`);
  }
}

async function loseLock(locks: LockService): Promise<void> {
  await locks.withLock('catalog', ({ signal }) => once(signal, 'abort'), { lease: 50, renew: false });
}

describe("an app's log", () => {
  let app: INestApplicationContext;
  const start = async (imports: DynamicModule[]): Promise<AppLog> => {
    const logger = new AppLog();
    app = await NestFactory.createApplicationContext({ module: AppModule, imports }, { logger });
    return logger;
  };
  afterEach(() => app.close());

  it('gets a warning of a lost lock, without any option', async () => {
    const log = await start([RedisLockModule.forRoot({ memory: true })]);
    await loseLock(app.get(LockService));
    expect(log.warnings).toEqual([expect.stringContaining('[RedisLockModule] Lock "catalog" was lost')]);
  });

  it('names the connection, even if the options come from a factory', async () => {
    const useFactory = () => ({ memory: true as const });
    const log = await start([RedisLockModule.forRootAsync({ name: 'billing', useFactory })]);
    await loseLock(app.get(Symbol.for('nestjs-redis-lock/RedisLockModule/billing')));
    expect(log.warnings).toEqual([expect.stringContaining('[RedisLockModule:billing] Lock "catalog" was lost')]);
  });

  it('gets no warning with `logger: false`', async () => {
    const log = await start([RedisLockModule.forRoot({ memory: true, logger: false })]);
    await loseLock(app.get(LockService));
    expect(log.warnings).toEqual([]);
  });

  it('gets no warning if the options have another logger', async () => {
    const lines: string[] = [];
    const logger: LockLogger = { warn: (line: string) => lines.push(line) };
    const log = await start([RedisLockModule.forRoot({ memory: true, logger })]);
    await loseLock(app.get(LockService));
    expect({ log: log.warnings, lines }).toEqual({ log: [], lines: [expect.stringContaining('was lost')] });
  });
});
