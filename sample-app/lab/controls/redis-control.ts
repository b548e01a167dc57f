import type { RunningRedis } from '../../services/redis.js';
import { ControlError } from './control-error.js';
import type { ControlState } from './control-state.js';

export interface RedisDelays {
  /** How long Redis is down during a restart, in ms. Default 1,000. */
  readonly gapMs: number;
  /** A paused Redis continues after this time, in ms. Default 10,000. */
  readonly pauseMs: number;
}

const notOurs = 'This Redis was not started with the shop and may have other users, so it is not touched.';
const usual: RedisDelays = { gapMs: 1_000, pauseMs: 10_000 };

/** Restarts and pauses the shop's Redis, but only if it was started with the shop. */
export class RedisControl {
  private condition: ControlState['redis'] = 'up';
  private timer: NodeJS.Timeout | undefined;
  private readonly delays: RedisDelays;

  constructor(
    private readonly running: RunningRedis,
    private readonly onChange: () => void,
    delays: Partial<RedisDelays> = {},
  ) {
    this.delays = { ...usual, ...delays };
  }

  get state(): ControlState['redis'] {
    return this.condition;
  }

  get unavailable(): Record<string, string> {
    return this.running.server === undefined ? { redis: notOurs } : {};
  }

  async restart(): Promise<string> {
    const server = this.server();
    if (this.condition === 'restarting') throw new ControlError(409, 'Redis is already restarting.');
    clearTimeout(this.timer);
    this.turn('restarting');
    await server.restart(this.delays.gapMs);
    this.turn('up');
    return 'Redis was restarted and has lost its data: the cache, the locks and their tokens.';
  }

  pause(): string {
    const server = this.server();
    if (this.condition !== 'up') throw new ControlError(409, `Redis is already ${this.condition}.`);
    const { pauseMs } = this.delays;
    server.pause();
    this.turn('paused');
    this.timer = setTimeout(() => this.goOn(), pauseMs);
    return `Redis is paused, and continues by itself after ${String(pauseMs / 1000)} s.`;
  }

  continue(): string {
    this.server();
    if (this.condition !== 'paused') throw new ControlError(409, `Redis is ${this.condition}, not paused.`);
    this.goOn();
    return 'Redis continues.';
  }

  /** Leaves no Redis paused. */
  close(): void {
    clearTimeout(this.timer);
    this.running.server?.continue();
  }

  private server(): NonNullable<RunningRedis['server']> {
    if (this.running.server === undefined) throw new ControlError(409, notOurs);
    return this.running.server;
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
