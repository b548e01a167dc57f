import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Post, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  lockChannels,
  LockService,
  RunOnce,
  SingleFlight,
  UseLock,
  WhileLeader,
  WithLock,
  WithPermit,
  type AcquiredMessage,
  type FlightCacheStore,
  type Lease,
} from 'nestjs-redis-lock';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import supertest from 'supertest';
import type { App } from 'supertest/types.js';
import { lockModule } from './helpers/lock-module.js';

const LONG = `${'x'.repeat(120)}:<0>`;

@Injectable()
class Catalog {
  readonly values = new Map<string, unknown>();
  readonly cache: FlightCacheStore = {
    get: (key) => this.values.get(key),
    set: (key, value) => void this.values.set(key, value),
  };

  @Inject(LockService)
  readonly locks!: LockService;

  @WithLock('catalog:<0>')
  async rebuild(_section: string): Promise<void> {}

  @WithLock('catalog:<0>', { label: 'own' })
  async labeled(_section: string): Promise<void> {}

  @WithLock(['from:<0>', 'to:<1>'])
  async move(_from: string, _to: string): Promise<void> {}

  @WithLock<[string]>((section) => `catalog:${section}`)
  async named(_section: string): Promise<void> {}

  @WithLock(LONG)
  async long(_section: string): Promise<void> {}

  @WithPermit('partner:<0>', { permits: 2 })
  async call(_partner: string): Promise<void> {}

  @RunOnce('prices', { window: 1_000 })
  async refresh(): Promise<void> {}

  @SingleFlight('page:<0>', { ttl: 1_000, cache: (self: Catalog) => self.cache })
  async page(_id: string): Promise<string> {
    return 'page';
  }

  @WithLock('catalog:<0>', { wait: 0, onBusy: 'skip' })
  async skip(_section: string): Promise<void> {}

  @WhileLeader('outbox')
  async send({ signal }: Lease): Promise<void> {
    if (!signal.aborted) await once(signal, 'abort');
  }
}

@Controller()
class Carts {
  @Post('carts/:id')
  @UseLock('cart:<params.id>')
  async add(): Promise<void> {}

  @Post('orders/:id')
  @UseLock(() => 'order')
  async order(): Promise<void> {}
}

describe('the label of a decorated method', () => {
  let app: INestApplication<App>;
  let catalog: Catalog;
  const messages = new Map<string, AcquiredMessage[]>();
  const listeners = (['acquired', 'skipped', 'elected', 'termEnded'] as const).map((what) => {
    const seen: AcquiredMessage[] = [];
    messages.set(what, seen);
    return { channel: lockChannels[what], listener: (message: unknown) => void seen.push(message as AcquiredMessage) };
  });
  const labels = (what = 'acquired') => messages.get(what)!.map(({ label }) => label);

  beforeEach(async () => {
    for (const seen of messages.values()) seen.length = 0;
    for (const { channel, listener } of listeners) subscribe(channel, listener);
    const module = await Test.createTestingModule({
      imports: [lockModule()],
      providers: [Catalog],
      controllers: [Carts],
    }).compile();
    app = module.createNestApplication<INestApplication<App>>();
    await app.init();
    catalog = app.get(Catalog);
  });

  afterEach(async () => {
    await app.close();
    for (const { channel, listener } of listeners) unsubscribe(channel, listener);
  });

  const own = () => labels().filter((label) => label !== 'outbox');

  it('is its template, or the option `label`', async () => {
    await catalog.rebuild('shoes');
    await catalog.labeled('shoes');
    await catalog.call('bank');
    await catalog.page('1');
    expect(own()).toEqual(['catalog:<0>', 'own', 'partner:<0>', 'page:<0>']);
  });

  it('is that of each of several templates', async () => {
    await catalog.move('b', 'a');
    expect(own().sort()).toEqual(['from:<0>', 'to:<1>']);
  });

  it('is the class and the method if the name is a function', async () => {
    await catalog.named('shoes');
    expect(own()).toEqual(['Catalog.named']);
  });

  it('is shortened to what a label may have', async () => {
    await catalog.long('shoes');
    expect(own()).toEqual(['x'.repeat(100)]);
  });

  it('is also that of calls which are skipped', async () => {
    await using _held = await catalog.locks.acquire('catalog:shoes');
    await catalog.skip('shoes');
    expect(messages.get('skipped')).toMatchObject([
      { name: 'catalog:shoes', label: 'catalog:<0>', mode: 'exclusive', reason: 'busy' },
    ]);
  });

  it('is the name of a job or an election, of which an app has few', async () => {
    await catalog.refresh();
    await catalog.refresh();
    expect(own()).toEqual(['prices']);
    expect(labels('skipped')).toEqual(['prices']);
    await app.close();
    expect([labels('elected'), labels('termEnded')]).toEqual([['outbox'], ['outbox']]);
  });

  it('is that of a handler', async () => {
    await supertest(app.getHttpServer()).post('/carts/7').expect(201);
    await supertest(app.getHttpServer()).post('/orders/7').expect(201);
    expect(own()).toEqual(['cart:<params.id>', 'Carts.order']);
  });
});
