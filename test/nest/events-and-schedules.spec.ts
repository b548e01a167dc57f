import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cron, Interval, ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { LockService, WithLock } from 'nestjs-redis-lock';
import { waitUntil } from '../support/wait-until.js';
import { lockModule } from './helpers/lock-module.js';
import { Meeting } from './helpers/meeting.js';

const MEET = Symbol('meet');

@Injectable()
class PlainListener {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {}

  @OnEvent('sold')
  async onSold(): Promise<void> {
    await this.meet();
  }
}

@Injectable()
class LockedListener {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {}

  @OnEvent('sold')
  @WithLock('stock:<0.sku>')
  async onSold(_event: { sku: string }): Promise<void> {
    await this.meet();
  }
}

@Injectable()
class PlainInterval {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {}

  @Interval(5)
  async sweep(): Promise<void> {
    await this.meet();
  }
}

@Injectable()
class LockedInterval {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {}

  @Interval(5)
  @WithLock('sweep')
  async sweep(): Promise<void> {
    await this.meet();
  }
}

@Injectable()
class PlainCron {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {}

  @Cron('* * * * * *')
  async report(): Promise<void> {
    await this.meet();
  }
}

@Injectable()
class LockedCron {
  constructor(@Inject(MEET) private readonly meet: () => Promise<void>) {}

  @WithLock('report')
  @Cron('* * * * * *')
  async report(): Promise<void> {
    await this.meet();
  }
}

/** Runs `act` in an app until all who are expected were served, and says how many met. */
async function meetIn(provider: Type, module: DynamicModule, act?: (app: INestApplicationContext) => void) {
  const keyPrefix = `${crypto.randomUUID()}:`;
  const apps: INestApplicationContext[] = [];
  const meeting = new Meeting(2, () => apps.map((app) => app.get(LockService)));
  // Two replicas of the app, since a timer that waits for its last run would never meet itself.
  for (let i = 0; i < 2; i++) {
    const testing = await Test.createTestingModule({
      imports: [lockModule({ keyPrefix }), module],
      providers: [provider, { provide: MEET, useValue: () => meeting.attend() }],
    }).compile();
    // Whoever still waits for its turn at the end is turned away, and the scheduler reports that.
    testing.useLogger(false);
    apps.push(testing);
  }
  try {
    await Promise.all(apps.map((app) => (app as INestApplicationContext & { init(): Promise<unknown> }).init()));
    for (const app of apps) act?.(app);
    await waitUntil('all were served', () => meeting.done >= 2);
    return meeting.most;
  } finally {
    await Promise.all(apps.map((app) => app.close()));
  }
}

const emit = (app: INestApplicationContext) => {
  app.get(EventEmitter2).emit('sold', { sku: 'A-1' });
};

describe('@WithLock on event handlers and scheduled methods', () => {
  it.each([
    {
      kind: '@OnEvent',
      plain: PlainListener,
      locked: LockedListener,
      module: () => EventEmitterModule.forRoot(),
      act: emit,
    },
    { kind: '@Interval', plain: PlainInterval, locked: LockedInterval, module: () => ScheduleModule.forRoot() },
    { kind: '@Cron', plain: PlainCron, locked: LockedCron, module: () => ScheduleModule.forRoot() },
  ])('runs one $kind method at a time across all replicas', async ({ plain, locked, module, act }) => {
    expect(await meetIn(plain, module(), act)).toBeGreaterThan(1);
    expect(await meetIn(locked, module(), act)).toBe(1);
  });
});
