import { afterEach, describe, expect, it } from '@jest/globals';
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type INestApplicationContext, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Job, Queue } from 'bullmq';
import { LockService, WithLock } from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';
import { lockModule } from './helpers/lock-module.js';
import { Meeting } from './helpers/meeting.js';

const MEET = Symbol('meet');
const QUEUE = uniqueName('orders');

interface Order {
  readonly id: number;
}

@Processor(QUEUE, { concurrency: 2 })
class PlainProcessor extends WorkerHost {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {
    super();
  }

  async process(): Promise<string> {
    await this.meet();
    return 'done';
  }
}

@Processor(QUEUE, { concurrency: 2 })
class LockedProcessor extends WorkerHost {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {
    super();
  }

  @WithLock('order:<0.data.id>')
  async process(job: Job<Order>): Promise<string> {
    await this.meet();
    return `order ${job.data.id}`;
  }
}

describe('@WithLock on a BullMQ processor', () => {
  let app: INestApplicationContext;
  let queue: Queue<Order>;
  let meeting: Meeting;

  async function start(processor: Type): Promise<void> {
    meeting = new Meeting(2, () => [app.get(LockService)]);
    const { hostname, port } = new URL(testRedisUrl());
    const module = await Test.createTestingModule({
      imports: [
        lockModule(),
        BullModule.forRoot({ connection: { host: hostname, port: Number(port || 6379) } }),
        BullModule.registerQueue({ name: QUEUE }),
      ],
      providers: [processor, { provide: MEET, useValue: () => meeting.attend() }],
    }).compile();
    app = module;
    await module.init();
    queue = app.get<Queue<Order>>(getQueueToken(QUEUE));
  }

  afterEach(async () => {
    await queue.obliterate({ force: true });
    await app.close();
  });

  it('without it, lets jobs run at the same time', async () => {
    await start(PlainProcessor);

    await queue.addBulk([1, 2].map(() => ({ name: 'pay', data: { id: 1 } })));
    await waitUntil('both jobs are done', () => meeting.done === 2);

    expect(meeting.most).toBe(2);
  });

  it('runs one job of an order at a time, and keeps its result', async () => {
    await start(LockedProcessor);

    const jobs = await queue.addBulk([1, 2].map(() => ({ name: 'pay', data: { id: 1 } })));
    await waitUntil('both jobs are done', async () => (await queue.getCompletedCount()) === 2);

    expect(meeting).toMatchObject({ most: 1, done: 2 });
    const results = await Promise.all(jobs.map(async (job) => (await queue.getJob(job.id!))?.returnvalue));
    expect(results).toEqual(['order 1', 'order 1']);
  });
});
