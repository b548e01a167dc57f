import { ServiceUnavailableException } from '@nestjs/common';
import { expect, it, jest } from '@jest/globals';
import { TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { LockService } from 'nestjs-redis-lock';
import { REDIS } from '../../sample-app/shop/cache/redis.js';
import { DATABASE } from '../../sample-app/shop/database/database.js';
import { HealthController } from '../../sample-app/shop/health/health.controller.js';
import { Leaving } from '../../sample-app/shop/health/leaving.js';
import { ReadinessLog } from '../../sample-app/shop/health/readiness-log.js';

it('sends a hanging database only one check for all readiness requests', async () => {
  let answer = (): void => undefined;
  const execute = jest.fn(() => new Promise<void>((resolve) => (answer = resolve)));
  const app = await Test.createTestingModule({
    imports: [TerminusModule.forRoot({ logger: false })],
    controllers: [HealthController],
    providers: [
      { provide: DATABASE, useValue: { execute } },
      { provide: REDIS, useValue: { ping: async () => 'PONG' } },
      { provide: LockService, useValue: { inspect: async () => null } },
      { provide: Leaving, useValue: { begun: false } },
      ReadinessLog,
    ],
  }).compile();
  const health = app.get(HealthController);
  const asked = await Promise.allSettled(Array.from({ length: 5 }, () => health.ready()));
  for (const { status } of asked) expect(status).toBe('rejected');
  await expect(health.ready()).rejects.toThrow(ServiceUnavailableException);
  expect(execute).toHaveBeenCalledTimes(1);

  answer();
  execute.mockImplementation(async () => undefined);
  expect(await health.ready()).toMatchObject({ status: 'ok' });
  expect(execute).toHaveBeenCalledTimes(2);
  await app.close();
});
