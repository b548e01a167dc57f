import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, UseFilters, type INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { currentLease, LockExceptionFilter, LockService, UseLock, WithLock } from 'nestjs-redis-lock';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { lockModule } from './helpers/lock-module.js';
import { Meeting } from './helpers/meeting.js';

const MEET = Symbol('meet');
type Meet = () => Promise<void>;

interface Order {
  readonly id?: number;
}

@UseFilters(LockExceptionFilter)
@WebSocketGateway()
class OrderGateway {
  constructor(@Inject(MEET) private readonly meet: Meet) {}

  @SubscribeMessage('plain')
  async plain(@MessageBody() _order: Order): Promise<unknown> {
    return this.answer();
  }

  @SubscribeMessage('decorated')
  @WithLock('order:<0.id>')
  async decorated(@MessageBody() _order: Order): Promise<unknown> {
    return this.answer();
  }

  @UseLock('order:<data.id>')
  @SubscribeMessage('intercepted')
  async intercepted(@MessageBody() _order: Order): Promise<unknown> {
    return this.answer();
  }

  @SubscribeMessage('impatient')
  @WithLock('order:<0.id>', { wait: 0 })
  async impatient(@MessageBody() _order: Order): Promise<unknown> {
    return this.answer();
  }

  private async answer(): Promise<unknown> {
    await this.meet();
    return { event: 'answer', data: currentLease()?.name ?? 'no lock' };
  }
}

@UseLock('order:<data.id>')
@WebSocketGateway()
class LockedGateway {
  constructor(@Inject(MEET) private readonly meet: Meet) {}

  @SubscribeMessage('of-the-class')
  async ofTheClass(@MessageBody() _order: Order): Promise<unknown> {
    await this.meet();
    return { event: 'answer', data: currentLease()?.name ?? 'no lock' };
  }
}

describe('locks of WebSocket gateways', () => {
  let app: INestApplication;
  let meeting: Meeting;
  let sockets: WebSocket[];

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      imports: [lockModule()],
      providers: [OrderGateway, LockedGateway, { provide: MEET, useValue: () => meeting.attend() }],
    }).compile();
    app = module.createNestApplication({ logger: false });
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, '127.0.0.1');
    sockets = [];
  });

  afterEach(async () => {
    for (const socket of sockets) socket.terminate();
    await app.close();
  });

  async function ask(event: string, data: Order): Promise<unknown> {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    sockets.push(socket);
    await once(socket, 'open');
    socket.send(JSON.stringify({ event, data }));
    const [message] = await once(socket, 'message');
    return JSON.parse(String(message));
  }

  it('are needed: messages run at the same time in a handler without one', async () => {
    meeting = new Meeting(2, () => []);

    await Promise.all([ask('plain', { id: 1 }), ask('plain', { id: 1 })]);

    expect(meeting.most).toBe(2);
  });

  it.each(['decorated', 'intercepted', 'of-the-class'])(
    'let one message with the same name in at a time: %s',
    async (event) => {
      meeting = new Meeting(3, () => [app.get(LockService)]);

      const answers = await Promise.all([1, 2, 3].map(() => ask(event, { id: 1 })));

      expect(answers).toEqual(Array(3).fill({ event: 'answer', data: 'order:1' }));
      expect(meeting).toMatchObject({ most: 1, done: 3 });
    },
  );

  it('report a failure to the client through the exception filter', async () => {
    meeting = new Meeting(1, () => []);
    await using _held = await app.get(LockService).acquire('order:1');

    const answers = [
      await ask('impatient', { id: 1 }),
      await ask('intercepted', {}),
      await ask('impatient', { id: 2 }),
    ];

    expect(answers).toMatchObject([
      { event: 'exception', data: { status: 'error', code: 'LOCK_BUSY' } },
      { event: 'exception', data: { status: 'error', code: 'LOCK_NAME' } },
      { event: 'answer', data: 'order:2' },
    ]);
  });
});
