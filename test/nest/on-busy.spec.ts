import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Logger, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LockBusyError, lockChannels, LockService, WithLock, type SkippedMessage } from 'nestjs-redis-lock';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { lockModule } from './helpers/lock-module.js';

@Injectable()
class Jobs {
  ran = 0;

  @Inject(LockService)
  private readonly locks!: LockService;

  @WithLock('job:<0>', { wait: 0 })
  async throwing(_id: number): Promise<string> {
    return this.run();
  }

  @WithLock('job:<0>', { wait: 0, onBusy: 'skip' })
  async skipping(_id: number): Promise<string | undefined> {
    return this.run();
  }

  @WithLock<[number, string]>((id) => `job:${id}`, {
    wait: 0,
    onBusy: (busy, id, label) => `${label} ${id}: ${busy.code} ${busy.lockName ?? ''}`,
  })
  async answering(_id: number, _label: string): Promise<string> {
    return this.run();
  }

  @WithLock('job:<0>', { wait: 0, onBusy: async () => 'later' })
  async answeringLater(_id: number): Promise<string> {
    return this.run();
  }

  @WithLock('job:<0>', {
    wait: 0,
    onBusy: () => {
      throw new RangeError('of onBusy');
    },
  })
  async throwingItsOwn(_id: number): Promise<string> {
    return this.run();
  }

  @WithLock('outer', { onBusy: 'skip' })
  async askingForAnother(): Promise<string | undefined> {
    return this.locks.withLock('job:1', () => 'both', { wait: 0 });
  }

  @WithLock('job:<0>', { onBusy: () => 'busy' })
  async failing(_id: number): Promise<string> {
    throw new TypeError('of the method');
  }

  @WithLock('job:<0>', { onBusy: 'skip' })
  async named(_id: unknown): Promise<string | undefined> {
    return this.run();
  }

  private run(): string {
    this.ran++;
    return 'ran';
  }
}

describe('onBusy', () => {
  let app: INestApplicationContext;
  let jobs: Jobs;
  let locks: LockService;

  beforeEach(async () => {
    const module = await Test.createTestingModule({ imports: [lockModule()], providers: [Jobs] }).compile();
    app = await module.init();
    jobs = app.get(Jobs);
    locks = app.get(LockService);
  });

  afterEach(async () => {
    await app.close();
  });

  it('has no effect if the lock is free', async () => {
    expect(await Promise.all([1, 2, 3, 4].map((id) => jobs.skipping(id)))).toEqual(['ran', 'ran', 'ran', 'ran']);
    expect(await jobs.answering(1, 'x')).toBe('ran');
  });

  it('throws LockBusyError by default', async () => {
    await using _held = await locks.acquire('job:1');

    const error = await jobs.throwing(1).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(LockBusyError);
    expect(error).toMatchObject({ lockName: 'job:1', reason: 'held' });
    expect(jobs.ran).toBe(0);
  });

  it('skip: resolves with undefined, and publishes to the channel without a log entry', async () => {
    await using _held = await locks.acquire('job:1');
    const skipped: unknown[] = [];
    const logged: unknown[] = [];
    const listener = (message: unknown) => void skipped.push((message as SkippedMessage).name);
    const note = (...line: unknown[]) => void logged.push(line);
    subscribe(lockChannels.skipped, listener);
    Logger.overrideLogger({ log: note, warn: note, error: note, debug: note, verbose: note });

    const result = await jobs.skipping(1);

    Logger.overrideLogger(true);
    unsubscribe(lockChannels.skipped, listener);
    expect(result).toBeUndefined();
    expect(skipped).toEqual(['job:1']);
    expect(logged).toEqual([]);
    expect(jobs.ran).toBe(0);
  });

  it('a function: gives the caller its result, its resolved value or its error', async () => {
    await using _held = await locks.acquire('job:1');

    expect(await jobs.answering(1, 'number')).toBe('number 1: LOCK_BUSY job:1');
    expect(await jobs.answeringLater(1)).toBe('later');
    await expect(jobs.throwingItsOwn(1)).rejects.toThrow(new RangeError('of onBusy'));
    expect(jobs.ran).toBe(0);
  });

  it('does not handle a busy error from inside the method', async () => {
    await using _held = await locks.acquire('job:1');

    await expect(jobs.askingForAnother()).rejects.toMatchObject({ code: 'LOCK_BUSY', lockName: 'job:1' });
  });

  it('passes every other error on unchanged', async () => {
    await expect(jobs.failing(1)).rejects.toThrow(new TypeError('of the method'));
    await expect(jobs.named(undefined)).rejects.toMatchObject({ code: 'LOCK_NAME' });
    locks.refuse();
    await expect(jobs.skipping(1)).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
  });
});
