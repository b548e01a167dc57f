import type { Redis } from 'ioredis';
import type { RunningRedis } from '../../services/redis.js';
import { ControlError } from './control-error.js';
import { orNoRedis } from './control-redis.js';
import type { ControlState } from './control-state.js';

export interface RedisDelays {
  /** How long Redis is away when it is restarted, in ms. Default 1,000. */
  readonly gapMs: number;
  /** After this time a paused Redis goes on by itself, in ms. Default 10,000. */
  readonly pauseMs: number;
}

const usual: RedisDelays = { gapMs: 1_000, pauseMs: 10_000 };

/** Restarts and pauses the shop's Redis. One that is somebody else's is not restarted, and only its writes are paused. */
export class RedisControl {
  private condition: ControlState['redis'] = 'up';
  private timer: NodeJS.Timeout | undefined;
  private readonly delays: RedisDelays;

  /** @param client a connection to it */
  constructor(
    private readonly running: RunningRedis,
    private readonly client: Redis,
    private readonly onChange: () => void,
    delays: Partial<RedisDelays> = {},
  ) {
    this.delays = { ...usual, ...delays };
  }

  get state(): ControlState['redis'] {
    return this.condition;
  }

  get unavailable(): Record<string, string> {
    if (this.running.server !== undefined) return {};
    return { 'redis/restart': 'This Redis was not started by the shop, so it is not restarted by it.' };
  }

  async restart(): Promise<string> {
    const { server } = this.running;
    if (server === undefined) throw new ControlError(409, this.unavailable['redis/restart'] ?? '');
    if (this.condition === 'restarting') throw new ControlError(409, 'Redis is being restarted already.');
    clearTimeout(this.timer);
    this.turn('restarting');
    await server.restart(this.delays.gapMs);
    this.turn('up');
    return 'Redis was ended and started again. All that was in it is gone: the cache, the locks, their tokens.';
  }

  async pause(): Promise<string> {
    if (this.condition !== 'up') throw new ControlError(409, `Redis is ${this.condition} already.`);
    const { pauseMs } = this.delays;
    const { server } = this.running;
    // A connection whose reads and writes are both paused could not end the pause.
    if (server === undefined) await orNoRedis(this.client.call('CLIENT', 'PAUSE', pauseMs, 'WRITE'));
    else server.pause();
    this.turn('paused');
    this.timer = setTimeout(() => this.goOn(), pauseMs);
    const what = server === undefined ? 'Redis lets all writes wait' : 'Redis stands still';
    return `${what}, and goes on by itself after ${String(pauseMs / 1000)} s.`;
  }

  async continue(): Promise<string> {
    if (this.condition !== 'paused') throw new ControlError(409, `Redis is ${this.condition}, not paused.`);
    if (this.running.server === undefined) await orNoRedis(this.client.call('CLIENT', 'UNPAUSE'));
    this.goOn();
    return 'Redis goes on.';
  }

  /** Leaves no Redis paused. */
  close(): void {
    clearTimeout(this.timer);
    this.running.server?.continue();
    if (this.running.server === undefined && this.condition === 'paused') {
      this.client.call('CLIENT', 'UNPAUSE').catch(() => undefined);
    }
  }

  private goOn(): void {
    clearTimeout(this.timer);
    this.running.server?.continue();
    this.turn('up');
  }

  private turn(condition: ControlState['redis']): void {
    this.condition = condition;
    this.onChange();
  }
}
