import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Controller,
  Get,
  NotFoundException,
  Param,
  Res,
  UseFilters,
  type ArgumentsHost,
  type INestApplication,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, RpcException, Transport } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  LockAbortedError,
  LockBusyError,
  LockConfigError,
  LockExceptionFilter,
  LockLostError,
  LockNameError,
  LockShutdownError,
  LockUnavailableError,
  type LockExceptionFilterOptions,
} from 'nestjs-redis-lock';
import type { Response } from 'express';
import type { AddressInfo, Server } from 'node:net';
import { firstValueFrom } from 'rxjs';
import request from 'supertest';

const OWNER = 'd2b5c1de-owner';

const errors: Record<string, () => unknown> = {
  busy: () => new LockBusyError('stock:1', { reason: 'held', waitedMs: 5, remainingMs: 100 }),
  unavailable: () =>
    new LockUnavailableError(`connect ECONNREFUSED 10.0.0.7:6379 as ${OWNER}`, 'stock:1', {
      retryable: true,
      outcomeUnknown: false,
    }),
  shutdown: () => new LockShutdownError('stock:1'),
  lost: () => new LockLostError('stock:1', 1, 'expired'),
  aborted: () => new LockAbortedError('stock:1', new Error('gone')),
  name: () => new LockNameError('A value is missing.'),
  config: () => new LockConfigError('A mistake.'),
  'not-found': () => new NotFoundException('no such thing'),
  'bad-request': () => new BadRequestException({ field: 'wrong' }),
  error: () => new Error('something else'),
};

@Controller()
class FailingController {
  @Get('fail/:how')
  fail(@Param('how') how: string): never {
    throw errors[how]?.();
  }

  @Get('begun/:how')
  begun(@Param('how') how: string, @Res() response: Response): never {
    response.write('begun');
    throw errors[how]?.();
  }

  @Get('filtered/:how')
  @UseFilters(LockExceptionFilter)
  filtered(@Param('how') how: string): never {
    throw errors[how]?.();
  }

  @MessagePattern('fail')
  @UseFilters(LockExceptionFilter)
  message(how: string): never {
    throw errors[how]?.();
  }

  @MessagePattern('rpc')
  @UseFilters(LockExceptionFilter)
  rpc(): never {
    throw new RpcException('of the handler');
  }
}

const viaUseClass: Provider = { provide: APP_FILTER, useClass: LockExceptionFilter };

describe('LockExceptionFilter', () => {
  let app: INestApplication;

  async function start(...providers: Provider[]): Promise<void> {
    const module = await Test.createTestingModule({ controllers: [FailingController], providers }).compile();
    app = module.createNestApplication({ logger: false });
  }

  const get = (path: string) => request(app.getHttpServer()).get(path);

  afterEach(async () => {
    await app.close();
  });

  const cases = [
    { how: 'busy', status: 409, code: 'LOCK_BUSY', retryAfter: '1' },
    { how: 'unavailable', status: 503, code: 'LOCK_UNAVAILABLE', retryAfter: '1' },
    { how: 'shutdown', status: 503, code: 'LOCK_SHUTDOWN', retryAfter: '1' },
    { how: 'lost', status: 503, code: 'LOCK_LOST', retryAfter: '1' },
    { how: 'aborted', status: 503, code: 'LOCK_ABORTED', retryAfter: '1' },
    { how: 'name', status: 400, code: 'LOCK_NAME', retryAfter: undefined },
    { how: 'config', status: 500, code: 'LOCK_CONFIG', retryAfter: undefined },
  ];

  it.each(cases)('responds to $how with $status', async ({ how, status, code, retryAfter }) => {
    await start(viaUseClass);
    await app.init();

    const response = await get(`/fail/${how}`);

    expect([response.status, response.headers['retry-after']]).toEqual([status, retryAfter]);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.body).toEqual({ status, code, title: expect.any(String), detail: expect.any(String) });
  });

  it('shows a client neither owners nor hosts nor lock names', async () => {
    await start(viaUseClass);
    await app.init();

    const texts = await Promise.all(cases.map(async ({ how }) => (await get(`/fail/${how}`)).text));

    for (const secret of [OWNER, '10.0.0.7', 'stock:1']) expect(texts.join()).not.toContain(secret);
  });

  it.each([
    { how: 'not-found', status: 404, body: { statusCode: 404, message: 'no such thing', error: 'Not Found' } },
    { how: 'bad-request', status: 400, body: { field: 'wrong' } },
    { how: 'error', status: 500, body: { statusCode: 500, message: 'Internal server error' } },
  ])('leaves $how to Nest', async ({ how, status, body }) => {
    await start(viaUseClass);
    await app.init();

    const response = await get(`/fail/${how}`);

    expect(response.status).toBe(status);
    expect(response.body).toEqual(body);
  });

  it.each([
    { options: {}, status: 409 },
    { options: { busyStatus: 409 }, status: 409 },
    { options: { busyStatus: 423 }, status: 423 },
  ] as const)('applies the options $options', async ({ options, status }) => {
    await start();
    app.useGlobalFilters(new LockExceptionFilter(options));
    await app.init();

    const response = await get('/fail/busy');

    expect([response.status, response.body.status]).toEqual([status, status]);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  it('sends the configured Retry-After', async () => {
    await start({ provide: APP_FILTER, useFactory: () => new LockExceptionFilter({ retryAfter: 30 }) });
    await app.init();

    expect((await get('/fail/unavailable')).headers['retry-after']).toBe('30');
  });

  it.each([
    { reason: 'held', remainingMs: 0, retryAfter: '1' },
    { reason: 'held', remainingMs: 1_001, retryAfter: '2' },
    { reason: 'held', remainingMs: 86_400_000, retryAfter: '30' },
    { reason: 'held', remainingMs: undefined, retryAfter: '3' },
    { reason: 'crowded', remainingMs: undefined, retryAfter: '3' },
  ] as const)(
    'sends Retry-After for a busy lock, in whole seconds: $reason, $remainingMs ms left',
    async ({ reason, remainingMs, retryAfter }) => {
      errors.counted = () => new LockBusyError('stock:1', { reason, waitedMs: 5, remainingMs });
      await start({ provide: APP_FILTER, useFactory: () => new LockExceptionFilter({ retryAfter: 3 }) });
      await app.init();

      const { status, headers } = await get('/fail/counted');

      expect([status, headers['retry-after']]).toEqual([409, retryAfter]);
    },
  );

  it('never sends a Retry-After of 0 for a busy lock', async () => {
    errors.counted = () => new LockBusyError('stock:1', { reason: 'crowded', waitedMs: 5, remainingMs: undefined });
    await start();
    app.useGlobalFilters(new LockExceptionFilter({ retryAfter: 0, busyStatus: 423 }));
    await app.init();

    expect((await get('/fail/counted')).headers['retry-after']).toBe('1');
  });

  it.each([
    { kind: 'made by Nest', register: viaUseClass },
    { kind: 'made by hand', register: { provide: APP_FILTER, useFactory: () => new LockExceptionFilter() } },
  ])('ends a response that has already begun: $kind', async ({ register }) => {
    await start(register);
    await app.init();

    const { status, text } = await get('/begun/busy');

    expect([status, text]).toEqual([200, 'begun']);
  });

  it('works when it is bound to one handler', async () => {
    await start();
    await app.init();

    expect([(await get('/filtered/busy')).status, (await get('/fail/busy')).status]).toEqual([409, 500]);
  });

  it.each([{ busyStatus: 404 }, { retryAfter: -1 }, { status: 409 }])('rejects the options %o', async (options) => {
    await start();

    expect(() => new LockExceptionFilter(options as unknown as LockExceptionFilterOptions)).toThrow(LockConfigError);
  });

  it('passes the error on unchanged outside of HTTP', async () => {
    await start();
    const service = app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } });
    await app.startAllMicroservices();
    const { port } = service.unwrap<Server>().address() as AddressInfo;
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    const answer = (pattern: string, how: string) =>
      firstValueFrom(client.send<unknown>(pattern, how)).catch((error: unknown) => error);

    const [busy, rpc] = await Promise.all([answer('fail', 'busy'), answer('rpc', '')]);
    client.close();

    expect(busy).toMatchObject({ code: 'LOCK_BUSY', lockName: 'stock:1' });
    expect(rpc).toMatchObject({ message: 'of the handler' });
    const error = new LockShutdownError('a');
    const host = { getType: () => 'graphql' } as unknown as ArgumentsHost;
    expect(() => new LockExceptionFilter().catch(error, host)).toThrow(error);
  });
});
