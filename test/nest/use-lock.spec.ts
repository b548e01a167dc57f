import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Header,
  Inject,
  Injectable,
  NotFoundException,
  Param,
  Post,
  SetMetadata,
  Sse,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  currentLease,
  LockConfigError,
  LockExceptionFilter,
  LockService,
  RedisLockModule,
  UseLock,
} from 'nestjs-redis-lock';
import { get as httpGet } from 'node:http';
import type { AddressInfo } from 'node:net';
import { from, mergeMap, Observable, of, throwError } from 'rxjs';
import request from 'supertest';
import { waitUntil } from '../support/wait-until.js';
import { lockModule } from './helpers/lock-module.js';
import { Meeting } from './helpers/meeting.js';

const MEET = Symbol('meet');
type Meet = () => Promise<void>;

@Injectable()
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const incoming = context.switchToHttp().getRequest();
    incoming.user = { name: incoming.headers['x-user'] };
    return true;
  }
}

const lockName = () => currentLease()?.name ?? 'no lock';

@Controller()
class NamesController {
  @Get('params/:id')
  @UseLock('of:<params.id>')
  params(): string {
    return lockName();
  }

  @Get('query')
  @UseLock('of:<query.sku>')
  query(): string {
    return lockName();
  }

  @Post('body')
  @UseLock('of:<body.order.id>')
  body(): string {
    return lockName();
  }

  @Get('headers')
  @UseLock('of:<headers.X-Tenant>')
  headers(): string {
    return lockName();
  }

  @Get('user')
  @UseLock('of:<user.name>')
  @UseGuards(UserGuard)
  user(): string {
    return lockName();
  }

  @Get('ip')
  @UseLock('of:<ip>')
  ip(): string {
    return lockName();
  }

  @Get('data')
  @UseLock('of:<data.id>')
  data(): string {
    return lockName();
  }

  @Get('function/:id')
  @UseLock((context) => [`of:${context.getHandler().name}`, context.switchToHttp().getRequest().params.id])
  fromFunction(): string {
    return `${lockName()} ${currentLease('of:fromFunction')?.name ?? ''}`;
  }
}

@UseLock('class:<params.id>')
@Controller('class')
class LockedController {
  constructor(@Inject(MEET) private readonly meet: Meet) {}

  @Get('one/:id')
  async one(): Promise<string> {
    await this.meet();
    return lockName();
  }

  @Get('other/:id')
  async other(): Promise<string> {
    await this.meet();
    return lockName();
  }
}

@Controller()
class HandlersController {
  calls = 0;

  constructor(@Inject(MEET) private readonly meet: Meet) {}

  @Get('plain/:id')
  async plain(): Promise<string> {
    await this.meet();
    return 'plain';
  }

  @SetMetadata('above', 1)
  @UseLock('handler:<params.id>')
  @Get('locked/:id')
  @Header('x-below', 'kept')
  async locked(@Param('id') id: string): Promise<string> {
    await this.meet();
    return id;
  }

  @Get('stream/:id')
  @UseLock('handler:<params.id>')
  stream(@Param('id') id: string): Observable<string> {
    return from(this.meet()).pipe(mergeMap(() => of('first', id)));
  }

  @Post('failing/:id')
  @UseLock('handler:<params.id>')
  failing(@Body() { how }: { how: string }): Observable<string> {
    const error = new NotFoundException(lockName());
    if (how === 'thrown') throw error;
    return throwError(() => error);
  }

  @Sse('events/:id')
  @UseLock('handler:<params.id>')
  events(): Observable<{ data: string }> {
    return new Observable((subscriber) => {
      subscriber.next({ data: lockName() });
    });
  }

  @Get('busy/:id')
  @UseLock('handler:<params.id>', { wait: 0 })
  busy(): string {
    return `ran ${++this.calls}`;
  }

  @Get('skipped/:id')
  @UseLock('handler:<params.id>', { wait: 0, onBusy: 'skip' })
  skipped(): string {
    return `ran ${++this.calls}`;
  }

  @Get('answered/:id')
  @UseLock('handler:<params.id>', {
    wait: 0,
    onBusy: async (busy, context) => `${context.getHandler().name}: ${busy.code}`,
  })
  answered(): string {
    return `ran ${++this.calls}`;
  }

  @Get('via-self/:id')
  async viaSelf(@Param('id') id: string): Promise<string> {
    return this.locked(id);
  }
}

describe('@UseLock', () => {
  let app: INestApplication;
  let meeting: Meeting;

  async function start(controller: Type, expected = 1): Promise<void> {
    meeting = new Meeting(expected, () => [app.get(LockService)]);
    const module = await Test.createTestingModule({
      imports: [lockModule()],
      controllers: [controller],
      providers: [{ provide: MEET, useValue: () => meeting.attend() }],
    }).compile();
    app = module.createNestApplication({ logger: false });
    app.useGlobalFilters(new LockExceptionFilter());
    await app.listen(0, '127.0.0.1');
  }

  const get = (path: string) => request(app.getHttpServer()).get(path);

  afterEach(async () => {
    await app.close();
  });

  describe('names the lock after', () => {
    it.each([
      { root: 'params', ask: () => get('/params/a:b'), name: 'of:a%3Ab' },
      { root: 'query', ask: () => get('/query?sku=A-1'), name: 'of:A-1' },
      {
        root: 'body',
        ask: () =>
          request(app.getHttpServer())
            .post('/body')
            .send({ order: { id: 7 } }),
        name: 'of:7',
      },
      { root: 'headers', ask: () => get('/headers').set('x-tenant', 'shop'), name: 'of:shop' },
      { root: 'user', ask: () => get('/user').set('x-user', 'ann'), name: 'of:ann' },
      { root: 'ip', ask: () => get('/ip'), name: 'of:127.0.0.1' },
      { root: 'the context', ask: () => get('/function/9'), name: 'of:fromFunction of:fromFunction' },
    ])('$root', async ({ ask, name }) => {
      await start(NamesController);

      expect((await ask()).text).toBe(name);
    });
  });

  it.each([
    ['query', () => get('/query')],
    ['query twice', () => get('/query?sku=1&sku=2')],
    ['query empty', () => get('/query?sku=')],
    ['body', () => request(app.getHttpServer()).post('/body').send({ order: {} })],
    ['no body', () => request(app.getHttpServer()).post('/body')],
    ['headers', () => get('/headers')],
    ['user', () => get('/user')],
    ['the root of another kind of call', () => get('/data')],
  ])('responds with 400 if the request lacks the value: %s', async (_what, ask) => {
    await start(NamesController);

    const { status, body } = await ask();

    expect({ status, code: body.code }).toEqual({ status: 400, code: 'LOCK_NAME' });
  });

  it('without it, lets requests run at the same time', async () => {
    await start(HandlersController, 2);

    await Promise.all([get('/plain/1'), get('/plain/1')]);

    expect(meeting.most).toBe(2);
  });

  it.each([
    { kind: 'a handler', paths: ['/locked/1', '/locked/1', '/locked/1'], texts: ['1', '1', '1'] },
    { kind: 'a handler that returns a stream', paths: ['/stream/1', '/stream/1'], texts: ['1', '1'] },
    { kind: 'two handlers with the same lock', paths: ['/locked/1', '/stream/1'], texts: ['1', '1'] },
  ])('lets one request at a time into $kind', async ({ paths, texts }) => {
    await start(HandlersController, paths.length);

    const responses = await Promise.all(paths.map((path) => get(path)));

    expect(responses.map(({ text }) => text)).toEqual(texts);
    expect(meeting).toMatchObject({ most: 1, done: paths.length });
  });

  it('guards every handler of a controller', async () => {
    await start(LockedController, 2);

    const responses = await Promise.all([get('/class/one/1'), get('/class/other/1')]);

    expect(responses.map(({ text }) => text)).toEqual(['class:1', 'class:1']);
    expect(meeting).toMatchObject({ most: 1, done: 2 });
  });

  it('keeps the metadata of other decorators on the handler', async () => {
    await start(HandlersController);

    const { headers } = await get('/locked/1');

    expect(headers['x-below']).toBe('kept');
    expect(Reflect.getMetadata('above', HandlersController.prototype.locked)).toBe(1);
    expect(HandlersController.prototype.locked.name).toBe('locked');
  });

  it.each(['thrown', 'streamed'])('passes errors on and releases the lock: %s', async (how) => {
    await start(HandlersController);

    const { status, body } = await request(app.getHttpServer()).post('/failing/1').send({ how });

    expect([status, body.message]).toEqual([404, 'handler:1']);
    expect(app.get(LockService).stats().held).toBe(0);
  });

  it('is held for server-sent events until the client disconnects', async () => {
    await start(HandlersController);
    const locks = app.get(LockService);
    const { port } = app.getHttpServer().address() as AddressInfo;
    let received = '';
    const client = httpGet({ host: '127.0.0.1', port, path: '/events/1' }, (response) => {
      response.on('data', (chunk: Buffer) => (received += chunk.toString()));
      response.on('error', () => undefined);
    });
    client.on('error', () => undefined);
    await waitUntil('the first event is here', () => received.includes('data: handler:1'));
    const during = locks.stats().held;

    client.destroy();
    await waitUntil('the lock is free', () => locks.stats().held === 0);

    expect(during).toBe(1);
  });

  it('responds with the result of onBusy if the lock is taken', async () => {
    await start(HandlersController);
    await using _held = await app.get(LockService).acquire('handler:1');

    const [busy, skipped, answered] = await Promise.all(
      ['/busy/1', '/skipped/1', '/answered/1'].map((path) => get(path)),
    );

    expect([busy?.status, busy?.body.code]).toEqual([409, 'LOCK_BUSY']);
    expect([skipped?.status, skipped?.text]).toEqual([200, '']);
    expect([answered?.status, answered?.text]).toEqual([200, 'answered: LOCK_BUSY']);
    expect(app.get(HandlersController).calls).toBe(0);
  });

  it('does not run a handler that is not called by a client', async () => {
    await start(HandlersController);
    const controller = app.get(HandlersController);

    const refusal = await controller.locked('1').catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(LockConfigError);
    expect((refusal as Error).message).toContain('use @WithLock');
    expect(() => controller.busy()).toThrow(LockConfigError);
    expect((await get('/via-self/1')).status).toBe(500);
    expect([meeting.done, controller.calls]).toEqual([0, 0]);
  });
});

describe('@UseLock where Nest runs no interceptor', () => {
  @UseLock('class')
  @Injectable()
  class Service {
    async run(): Promise<void> {}
  }

  it('makes start-up fail on the class of a plain provider', async () => {
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ memory: true })],
      providers: [Service],
    }).compile();

    const starting = module.init();

    await expect(starting).rejects.toThrow(LockConfigError);
    await expect(starting).rejects.toThrow('no effect on the class Service');
  });

  it('makes the start of an app without the module fail', async () => {
    const starting = (metadata: { controllers?: Type[]; providers?: Type[] }) =>
      Test.createTestingModule(metadata).compile();

    await expect(starting({ providers: [Service] })).rejects.toThrow('nestjs-redis-lock/RedisLockModule/default');
    await expect(starting({ controllers: [NamesController] })).rejects.toThrow(
      'nestjs-redis-lock/RedisLockModule/default',
    );
  });
});
