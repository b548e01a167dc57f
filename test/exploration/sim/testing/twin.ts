import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Keyspace } from '../redis/keyspace.js';
import type { Argument } from '../redis/script-model.js';
import { SCRIPT_MODELS } from '../redis/script-models.js';

/** The two clocks are read at different moments: what comes from one may differ by this much, in ms. */
const NEAR_MS = 3_000;

/** A real Redis, and a model of the keys that a spec uses in it. Both get the same keys and the same calls. */
export class Twin {
  private nowUs = 0;
  readonly model = new Keyspace(() => this.nowUs);
  private context = '';

  /**
   * @param told the notifications since the last call, if they are compared
   * @param errors the kinds of errors: Redis also says in which line of which script
   */
  constructor(
    readonly redis: Redis,
    private readonly told: (() => Promise<string[]>) | null = null,
    private readonly errors: readonly RegExp[] = [/WRONGTYPE/],
  ) {}

  /** Sets the model's clock to that of Redis. Returns the time in ms. */
  async tick(): Promise<number> {
    const [seconds, us] = (await this.redis.time()).map(Number) as [number, number];
    this.nowUs = seconds * 1_000_000 + us;
    return Math.floor(this.nowUs / 1_000);
  }

  /** Runs a script, and compares the replies and the notifications. */
  async call(name: string, lua: string, keys: readonly string[], args: readonly Argument[]): Promise<void> {
    const toldByModel: string[] = [];
    const real: unknown = await this.redis.eval(lua, keys.length, ...keys, ...args).catch(messageOf);
    const publish = (channel: string, message: string): number =>
      toldByModel.push(`${channel} ${message}`) && (this.told === null ? 0 : 1);
    const simulated = resultOf(() => SCRIPT_MODELS[name]!(keys, args, this.model, publish));
    this.context = JSON.stringify({ name, keys, args, real, simulated });
    this.expectAlike([real].flat(), [simulated].flat());
    if (this.told === null) return;
    const { context } = this;
    expect({ context, told: await this.told() }).toEqual({ context, told: toldByModel });
  }

  async compare(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.compareKey(key)));
  }

  async compareKey(key: string, contents = true): Promise<void> {
    const { redis, model, context } = this;
    const type = model.type(key);
    const [real, left] = await Promise.all([redis.type(key), redis.pttl(key)]);
    expect({ context, key, type: real }).toEqual({ context, key, type });
    this.expectAlike([left], [model.pttl(key)]);
    if (contents) this.expectAlike(...(await this.contentOf(key, type)));
  }

  expectAlike(real: readonly unknown[], simulated: readonly unknown[]): void {
    const { context } = this;
    expect({ context, length: real.length }).toEqual({ context, length: simulated.length });
    real.forEach((value, index) => {
      const other = simulated[index];
      const same = this.isSame(String(value), String(other));
      expect({ context, index, value, other, same }).toEqual({ context, index, value, other, same: true });
    });
  }

  async del(key: string): Promise<void> {
    await this.redis.del(key);
    this.model.del(key);
  }

  /** @param px `undefined`: it does not expire */
  async set(key: string, value: string, px?: number): Promise<void> {
    await (px === undefined ? this.redis.set(key, value) : this.redis.set(key, value, 'PX', px));
    this.model.set(key, value, px);
  }

  async hset(key: string, field: string, value: string): Promise<void> {
    await this.redis.hset(key, field, value);
    this.model.hset(key, field, value);
  }

  async pexpire(key: string, ms: number): Promise<void> {
    await this.redis.pexpire(key, ms);
    this.model.pexpire(key, ms);
  }

  async zadd(key: string, member: string, score: number): Promise<void> {
    await this.redis.zadd(key, score, member);
    this.model.zadd(key, member, score);
  }

  private async contentOf(key: string, type: string): Promise<[real: string[], simulated: string[]]> {
    const { redis, model } = this;
    switch (type) {
      case 'string':
        return [[(await redis.get(key)) ?? ''], [model.get(key)!]];
      case 'list':
        return [await redis.lrange(key, 0, -1), [...model.lrange(key)]];
      case 'hash':
        return [sorted(Object.entries(await redis.hgetall(key))), sorted(model.hgetall(key))];
      case 'zset': {
        const members = pairsOf(await redis.zrange(key, '0', '-1', 'WITHSCORES'));
        return [sorted(members), sorted(model.zrange(key).map(([member, score]) => [member, String(score)]))];
      }
      default:
        return [[], []];
    }
  }

  private isSame(a: string, b: string): boolean {
    const kind = this.errors.find((error) => error.test(a));
    if (a === b || (kind !== undefined && kind === this.errors.find((error) => error.test(b)))) return true;
    const [left, right] = [a, b].map((text) => text.split(/[:;]/)) as [string[], string[]];
    return left.length === right.length && left.every((part, i) => part === right[i] || areNear(+part, +right[i]!));
  }
}

/** A reply, or the message of an error. */
function resultOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return (error as Error).message;
}

/** A time left or a clock's in ms, or a clock's in µs. */
function areNear(a: number, b: number): boolean {
  return a > 1_000 && b > 1_000 && Math.abs(a - b) <= (a > 1e15 ? NEAR_MS * 1_000 : NEAR_MS);
}

export function pairsOf(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i]!, list[2 * i + 1]!]);
}

export function sorted(pairs: [string, string][]): string[] {
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}
