import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Param,
  RequestTimeoutException,
  Sse,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { ClientProxyFactory, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { lockChannels, LockService, RedisLockModule, UseLock } from 'nestjs-redis-lock';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { get as httpGet } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { firstValueFrom, fromEvent, map, mergeMap, Observable, race, Subject, take, takeUntil } from 'rxjs';
import request from 'supertest';
import { waitUntil } from '../support/wait-until.js';

/** What a test observes and controls of the handlers. */
class Work {
  inside = 0;
  most = 0;
  done = 0;
  readonly log: string[] = [];
  readonly giveUp = new Subject<void>();
  readonly end = new Subject<void>();
  private ended = false;

  async run(): Promise<string> {
    this.most = Math.max(this.most, ++this.inside);
    this.log.push('work');
    await this.untilEnd();
    this.inside--;
    this.done++;
    return 'done';
  }

  finish(): void {
    this.ended = true;
    this.end.next();
  }

  async untilEnd(): Promise<void> {
    if (!this.ended) await firstValueFrom(this.end);
  }
}

/** Stops listening to the handler when the test says so, as a timeout would. */
@Injectable()
class Impatient implements NestInterceptor {
  constructor(@Inject(Work) private readonly work: Work) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const timeout = this.work.giveUp.pipe(
      take(1),
      map(() => {
        throw new RequestTimeoutException();
      }),
    );
    return race(next.handle(), timeout);
  }
}

/** Stops listening when the client hangs up. */
@Injectable()
class HangUp implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(takeUntil(fromEvent(context.switchToHttp().getResponse(), 'close')));
  }
}

@Injectable()
class Transaction implements NestInterceptor {
  constructor(@Inject(Work) private readonly work: Work) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.work.log.push('BEGIN');
    return next.handle().pipe(
      mergeMap(async (value) => {
        await new Promise((resolve) => setImmediate(resolve));
        this.work.log.push('COMMIT');
        return value as unknown;
      }),
    );
  }
}

@Injectable()
class SlowPipe implements PipeTransform {
  constructor(@Inject(Work) private readonly work: Work) {}

  async transform(value: unknown): Promise<unknown> {
    this.work.log.push('pipe');
    await this.work.untilEnd();
    this.work.log.push('piped');
    return value;
  }
}

@Controller()
class Handlers {
  constructor(@Inject(Work) readonly work: Work) {}

  @Get('handler/:id')
  @UseLock('cart:<params.id>')
  handler(): Promise<string> {
    return this.work.run();
  }

  @Get('above/:id')
  @UseInterceptors(Impatient)
  @UseLock('cart:<params.id>')
  above(): Promise<string> {
    return this.work.run();
  }

  @Get('below/:id')
  @UseLock('cart:<params.id>')
  @UseInterceptors(Impatient)
  below(): Promise<string> {
    return this.work.run();
  }

  @Get('two/:id')
  @UseLock('cart:<params.id>')
  @UseLock('stock:<params.id>')
  two(): Promise<string> {
    return this.work.run();
  }

  @Get('transaction/:id')
  @UseLock('cart:<params.id>')
  @UseInterceptors(Transaction)
  transaction(): Promise<string> {
    return this.work.run();
  }

  @Get('piped/:id')
  @UseLock('cart:<params.id>')
  piped(@Param('id', SlowPipe) _id: string): Promise<string> {
    return this.work.run();
  }

  @Sse('later/:id')
  @UseLock('cart:<params.id>')
  async later(): Promise<Observable<{ data: string }>> {
    await this.work.run();
    return new Observable(() => {
      this.work.log.push('subscribed');
    });
  }

  @Get('query/:id')
  @UseLock('cart:<params.id>')
  query(): PromiseLike<string> {
    // As query builders do, it runs for each "then".
    return {
      then: (resolve, reject) => {
        this.work.log.push('query');
        return this.work.run().then(resolve, reject);
      },
    };
  }

  @MessagePattern('message')
  @UseInterceptors(Impatient)
  @UseLock('cart:<data.id>')
  message(@Payload() _order: unknown): Promise<string> {
    return this.work.run();
  }
}

@UseInterceptors(Impatient)
@Controller()
class ImpatientHandlers {
  constructor(@Inject(Work) readonly work: Work) {}

  @Get('class/:id')
  @UseLock('cart:<params.id>')
  handler(): Promise<string> {
    return this.work.run();
  }
}

@UseLock('cart:<params.id>')
@Controller()
class LockedClass {
  constructor(@Inject(Work) readonly work: Work) {}

  @Get('locked-class/:id')
  handler(): Promise<string> {
    return this.work.run();
  }

  @Get('locked-class-piped/:id')
  piped(@Param('id', SlowPipe) _id: string): Promise<string> {
    return this.work.run();
  }
}

@Controller()
class InheritsLock extends LockedClass {
  @Get('inherited-lock/:id')
  own(): Promise<string> {
    return this.work.run();
  }
}

class PlainHandlers {
  constructor(@Inject(Work) readonly work: Work) {}

  @Get('inherited-handler/:id')
  inherited(): Promise<string> {
    return this.work.run();
  }
}

@UseLock('cart:<params.id>')
@Controller()
class InheritsHandler extends PlainHandlers {}

describe('@UseLock when the client leaves before the handler has ended', () => {
  let app: INestApplication;
  let work: Work;

  async function start(controllers: Type[], globally?: Type<NestInterceptor>): Promise<void> {
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ memory: true })],
      controllers,
      providers: [Work, Impatient, HangUp, Transaction],
    }).compile();
    app = module.createNestApplication({ logger: false });
    if (globally) app.useGlobalInterceptors(app.get<NestInterceptor>(globally));
    await app.listen(0, '127.0.0.1');
    work = app.get(Work);
  }

  /** Sends the request at once. */
  const send = (path: string) =>
    request(app.getHttpServer())
      .get(path)
      .then((response) => response);

  const locks = () => app.get(LockService);
  const port = () => (app.getHttpServer().address() as AddressInfo).port;

  afterEach(async () => {
    work.finish();
    await app.close();
  });

  it.each([
    { where: 'an interceptor of the app', path: '/handler/1', controller: Handlers, globally: Impatient },
    { where: 'an interceptor of the controller', path: '/class/1', controller: ImpatientHandlers },
    { where: 'an interceptor above @UseLock', path: '/above/1', controller: Handlers },
    { where: 'an interceptor below @UseLock', path: '/below/1', controller: Handlers },
    { where: 'an interceptor around two locks', path: '/two/1', controller: Handlers, globally: Impatient },
    { where: 'around @UseLock on the class', path: '/locked-class/1', controller: LockedClass, globally: Impatient },
    { where: 'around an inherited lock', path: '/inherited-lock/1', controller: InheritsLock, globally: Impatient },
    {
      where: 'around an inherited handler',
      path: '/inherited-handler/1',
      controller: InheritsHandler,
      globally: Impatient,
    },
  ])(
    'replies to a timeout at once and lets no retry in while the first promise runs: $where',
    async ({ path, controller, globally }) => {
      await start([controller], globally);
      const first = send(path);
      await waitUntil('the handler runs', () => work.inside === 1);

      work.giveUp.next();
      const timedOut = await first;
      const ranOn = work.inside;
      const retry = send(path);
      await waitUntil('the retry waits for the lock', () => locks().stats().waiting === 1);
      work.finish();

      expect([timedOut.status, ranOn]).toEqual([408, 1]);
      expect((await retry).text).toBe('done');
      expect(work).toMatchObject({ most: 1, done: 2 });
    },
  );

  it('lets no retry in after a client has disconnected', async () => {
    await start([Handlers], HangUp);
    const client = httpGet({ host: '127.0.0.1', port: port(), path: '/handler/1' });
    client.on('error', () => undefined);
    await waitUntil('the handler runs', () => work.inside === 1);

    client.destroy();
    const retry = send('/handler/1');
    await waitUntil('the retry waits for the lock', () => locks().stats().waiting === 1);
    work.finish();

    expect((await retry).text).toBe('done');
    expect(work).toMatchObject({ most: 1, done: 2 });
  });

  it('lets no retry of a message in', async () => {
    await start([Handlers]);
    const service = app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } });
    await app.startAllMicroservices();
    const { port: at } = service.unwrap<Server>().address() as AddressInfo;
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port: at } });
    const ask = () => firstValueFrom(client.send<unknown>('message', { id: 1 })).catch(() => 'failed');
    const first = ask();
    await waitUntil('the handler runs', () => work.inside === 1);

    work.giveUp.next();
    const answer = await first;
    const retry = ask();
    await waitUntil('the retry waits for the lock', () => locks().stats().waiting === 1);
    work.finish();
    const retried = await retry;
    client.close();

    expect([answer, retried]).toEqual(['failed', 'done']);
    expect(work).toMatchObject({ most: 1, done: 2 });
  });

  it('lets a transaction inside of the lock commit before the lock is released', async () => {
    await start([Handlers], Impatient);
    const onReleased = () => work.log.push('UNLOCK');
    subscribe(lockChannels.released, onReleased);
    const first = send('/transaction/1');
    await waitUntil('the handler runs', () => work.inside === 1);

    work.giveUp.next();
    await first;
    work.finish();
    await waitUntil('the lock is free', () => locks().stats().held === 0);
    unsubscribe(lockChannels.released, onReleased);

    expect(work.log).toEqual(['BEGIN', 'work', 'COMMIT', 'UNLOCK']);
  });

  it.each([
    { what: '@UseLock on the handler', path: '/piped/1', controller: Handlers },
    { what: '@UseLock on the class', path: '/locked-class-piped/1', controller: LockedClass },
  ])(
    'never calls a handler after its lock was released by a late end of a pipe: $what',
    async ({ path, controller }) => {
      await start([controller], Impatient);
      const first = send(path);
      await waitUntil('the pipe runs', () => work.log.includes('pipe'));

      work.giveUp.next();
      await first;
      await waitUntil('the lock is free', () => locks().stats().held === 0);
      work.finish();
      await waitUntil('the pipe has ended', () => work.log.includes('piped'));
      await new Promise((resolve) => setImmediate(resolve));

      expect(work.log).toEqual(['pipe', 'piped']);
    },
  );

  it('starts no stream for a client that disconnected before the handler returned it', async () => {
    await start([Handlers], HangUp);
    const client = httpGet({ host: '127.0.0.1', port: port(), path: '/later/1' });
    client.on('error', () => undefined);
    await waitUntil('the handler runs', () => work.inside === 1);

    client.destroy();
    const retry = httpGet({ host: '127.0.0.1', port: port(), path: '/later/1' });
    retry.on('error', () => undefined);
    await waitUntil('the retry waits for the lock', () => locks().stats().waiting === 1);
    work.finish();
    await waitUntil('the retry has its stream', () => work.log.includes('subscribed'));
    retry.destroy();
    await waitUntil('the lock is free', () => locks().stats().held === 0);

    expect(work.log).toEqual(['work', 'work', 'subscribed']);
    expect(work.most).toBe(1);
  });

  it('runs a query that a handler returns only once, and holds the lock until it has ended', async () => {
    await start([Handlers], Impatient);
    const first = send('/query/1');
    await waitUntil('the query runs', () => work.inside === 1);

    work.giveUp.next();
    await first;
    const held = locks().stats().held;
    work.finish();
    await waitUntil('the lock is free', () => locks().stats().held === 0);

    expect(held).toBe(1);
    expect(work.log).toEqual(['query', 'work']);
  });

  it('releases at once if unsubscribing from a stream ends the work', async () => {
    @Controller()
    class Streams {
      torn = 0;

      @Get('stream/:id')
      @UseLock('cart:<params.id>')
      stream(): Observable<string> {
        return new Observable(() => () => {
          this.torn++;
        });
      }
    }
    await start([Streams], Impatient);
    const first = send('/stream/1');
    await waitUntil('the stream has the lock', () => locks().stats().held === 1);

    work.giveUp.next();
    await waitUntil('the lock is free', () => locks().stats().held === 0);

    expect((await first).status).toBe(408);
    expect(app.get(Streams).torn).toBe(1);
  });
});
