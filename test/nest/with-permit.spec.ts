import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { currentLease, LockBusyError, LockConfigError, LockService, WithPermit } from 'nestjs-redis-lock';
import { lastValueFrom, Observable, timer, map } from 'rxjs';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../support/wait-until.js';
import { lockModule } from './helpers/lock-module.js';

@Injectable()
class Partner {
  running = 0;
  most = 0;
  readonly limit = 2;

  @WithPermit('partner', { permits: 3 })
  async order(id: number): Promise<number> {
    await this.work();
    return id;
  }

  @WithPermit('tenant:<0>', { permits: 1, wait: 0, onBusy: 'skip' })
  async skipping(_tenant: string): Promise<string | undefined> {
    await sleep(30);
    return 'ran';
  }

  @WithPermit('throwing', { permits: 1, wait: 0 })
  async throwing(): Promise<string> {
    await sleep(30);
    return 'ran';
  }

  @WithPermit<[number]>((id) => `answer:${String(id)}`, {
    permits: 1,
    wait: 0,
    onBusy: (busy, id) => `${busy.code} ${String(id)}`,
  })
  async answering(_id: number): Promise<string> {
    await sleep(30);
    return 'ran';
  }

  @WithPermit('of the instance', { permits: (self: Partner) => self.limit, take: (self: Partner) => self.limit - 1 })
  async byInstance(): Promise<void> {
    await this.work();
  }

  @WithPermit('wrong', { permits: (self: Partner) => self.limit, take: () => 5 })
  async wrong(): Promise<void> {
    await this.work();
  }

  @WithPermit('large', { permits: 4, take: 3 })
  async large(finished: Promise<void>): Promise<string | undefined> {
    this.running += 1;
    await finished;
    this.running -= 1;
    return currentLease('large')?.name;
  }

  @WithPermit('stream', { permits: 1 })
  stream(): Observable<string> {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    return timer(20).pipe(
      map(() => {
        this.running -= 1;
        return 'emitted';
      }),
    );
  }

  private async work(): Promise<void> {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await sleep(10);
    this.running -= 1;
  }
}

describe('@WithPermit', () => {
  let app: INestApplicationContext;
  let partner: Partner;
  let locks: LockService;

  beforeEach(async () => {
    const module = await Test.createTestingModule({ imports: [lockModule()], providers: [Partner] }).compile();
    app = await module.init();
    partner = app.get(Partner);
    locks = app.get(LockService);
  });
  afterEach(() => app.close());

  it('lets as many calls run at a time as there are permits, and passes on their results', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => index);
    expect(await Promise.all(ids.map((id) => partner.order(id)))).toEqual(ids);
    expect(partner.most).toBe(3);
  });

  it('does what onBusy says if there is no permit', async () => {
    expect(await Promise.all([partner.skipping('a'), partner.skipping('a'), partner.skipping('b')])).toEqual([
      'ran',
      undefined,
      'ran',
    ]);
    const [first, second] = await Promise.allSettled([partner.throwing(), partner.throwing()]);
    expect(first).toEqual({ status: 'fulfilled', value: 'ran' });
    expect(second).toMatchObject({ status: 'rejected', reason: expect.any(LockBusyError) as unknown });
    expect(await Promise.all([partner.answering(7), partner.answering(7)])).toEqual(['ran', 'LOCK_BUSY 7']);
  });

  it('takes numbers from the instance, and checks them at each call', async () => {
    await Promise.all([partner.byInstance(), partner.byInstance(), partner.byInstance()]);
    expect(partner.most).toBe(2);
    await expect(partner.wrong()).rejects.toBeInstanceOf(LockConfigError);
  });

  it('takes several permits, and the method sees its lease', async () => {
    let finish: () => void = () => undefined;
    const called = partner.large(new Promise((resolve) => (finish = resolve)));
    await waitUntil('it runs', () => partner.running === 1);
    expect(await locks.semaphore('large', { permits: 4 }).inspect()).toMatchObject({ held: 3, available: 1 });
    finish();
    expect(await called).toBe('large');
  });

  it('holds the permit of a stream until it completes', async () => {
    const streams = [partner.stream(), partner.stream()];
    expect(await Promise.all(streams.map((stream) => lastValueFrom(stream)))).toEqual(['emitted', 'emitted']);
    expect(partner.most).toBe(1);
  });

  it.each([
    [{}, 'permits'],
    [{ permits: 0 }, 'permits'],
    [{ permits: 2, take: 3 }, 'take'],
    [{ permits: () => 2, take: 0 }, 'take'],
    [{ permits: () => 2, take: 5_000 }, 'take'],
    [{ permits: 2, nothing: 3 }, 'nothing'],
    [{ permits: 2, returns: 'promise' }, 'returns'],
  ])('refuses the options %j when the class is loaded', (options, word) => {
    expect(() => WithPermit('name', options as never)).toThrow(LockConfigError);
    expect(() => WithPermit('name', options as never)).toThrow(word);
  });

  it('refuses several names', () => {
    expect(() => WithPermit(['a', 'b'] as never, { permits: 1 })).toThrow(LockConfigError);
  });
});
