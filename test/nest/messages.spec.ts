import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, type INestApplication } from '@nestjs/common';
import { ClientProxyFactory, MessagePattern, Payload, Transport, type ClientProxy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { currentLease, LockService, UseLock, WithLock } from 'nestjs-redis-lock';
import type { AddressInfo, Server } from 'node:net';
import { firstValueFrom, from, mergeMap, Observable, of, toArray } from 'rxjs';
import { lockModule } from './helpers/lock-module.js';
import { Meeting } from './helpers/meeting.js';

const MEET = Symbol('meet');

interface Order {
  readonly id: number;
}

@Controller()
class OrderController {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {}

  @MessagePattern('plain')
  async plain(@Payload() order: Order): Promise<string> {
    await this.meet();
    return `order ${order.id}`;
  }

  @MessagePattern('promise')
  @WithLock('order:<0.id>')
  async promise(@Payload() order: Order): Promise<string> {
    await this.meet();
    return `order ${order.id}`;
  }

  @MessagePattern('stream')
  @WithLock<[Order]>((order) => `order:${order.id}`)
  stream(@Payload() order: Order): Observable<string> {
    return from(this.meet()).pipe(mergeMap(() => of('order', String(order.id))));
  }

  @UseLock('order:<data.id>')
  @MessagePattern('interceptor')
  async interceptor(@Payload() order: Order): Promise<string> {
    await this.meet();
    return `order ${order.id} under ${currentLease()?.name ?? 'no lock'}`;
  }

  @UseLock('order:<data.id>')
  @MessagePattern('interceptor-stream')
  interceptorStream(@Payload() order: Order): Observable<string> {
    return from(this.meet()).pipe(mergeMap(() => of('order', String(order.id))));
  }
}

describe('message handlers over TCP', () => {
  let app: INestApplication;
  let client: ClientProxy;
  let meeting: Meeting;

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      imports: [lockModule()],
      controllers: [OrderController],
      providers: [{ provide: MEET, useValue: () => meeting.attend() }],
    }).compile();
    app = module.createNestApplication();
    const service = app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } });
    await app.startAllMicroservices();
    const { port } = service.unwrap<Server>().address() as AddressInfo;
    client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  });

  afterEach(async () => {
    client.close();
    await app.close();
  });

  const send = (pattern: string, order: Order) => firstValueFrom(client.send<string>(pattern, order).pipe(toArray()));

  it('run at the same time in a handler without a lock', async () => {
    meeting = new Meeting(2, () => []);

    await Promise.all([send('plain', { id: 1 }), send('plain', { id: 1 })]);

    expect(meeting.most).toBe(2);
  });

  it.each([
    { pattern: 'promise', answer: ['order 1'] },
    { pattern: 'stream', answer: ['order', '1'] },
    { pattern: 'interceptor', answer: ['order 1 under order:1'] },
    { pattern: 'interceptor-stream', answer: ['order', '1'] },
  ])('run one at a time with the same name: $pattern', async ({ pattern, answer }) => {
    meeting = new Meeting(3, () => [app.get(LockService)]);

    const answers = await Promise.all([1, 2, 3].map(() => send(pattern, { id: 1 })));

    expect(answers).toEqual([answer, answer, answer]);
    expect(meeting).toMatchObject({ most: 1, done: 3 });
  });

  it.each(['promise', 'interceptor'])('run at the same time with different names: %s', async (pattern) => {
    meeting = new Meeting(2, () => []);

    await Promise.all([send(pattern, { id: 1 }), send(pattern, { id: 2 })]);

    expect(meeting.most).toBe(2);
  });
});
