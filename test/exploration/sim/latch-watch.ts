import type { MemoryStore } from '../../../lib/stores/memory/memory-store.js';
import type { World } from './kernel/world.js';
import type { LockServer, Oracle } from './oracle.js';
import type { ScriptModel } from './redis/script-model.js';
import { KEY_PREFIX } from './replica.js';
import type { StoreWatch } from './store-watch.js';

/** One executed request that may change a latch. */
interface Executed {
  readonly key: string;
  readonly id: string;
  /** To which count it is set; `null`: it is counted down. */
  readonly amount: number | null;
  readonly reply: number;
}

/** A wait for a latch. */
export interface Passing {
  readonly key: string;
  readonly since: number;
  readonly losses: number;
}

/**
 * Checks latches with nothing but the requests that a store executes, and its replies: a call counts once, however often its
 * request arrives, and a caller passes a latch only if it was open while the caller waited.
 */
export class LatchWatch implements StoreWatch {
  readonly counts = { opened: 0, resent: 0, passed: 0 };
  private readonly latches = new Map<string, number>();
  /** When latches were last closed, in µs. */
  private readonly closedAt = new Map<string, number>();
  /** The ids of all calls, with the replies to their requests. */
  private readonly calls = new Map<string, number[]>();
  /** The ids whose requests had an effect, with the number of losses before it. */
  private readonly effective = new Map<string, number>();
  private losses = 0;

  constructor(
    private readonly world: World,
    private readonly oracle: Oracle,
    private readonly servers: readonly LockServer[],
  ) {}

  watched(name: string, model: ScriptModel): ScriptModel {
    if (name !== 'LATCH') return model;
    return (keys, args, redis, publish) => {
      const [op, , , , , , id, amount] = args;
      const [key] = keys as [string];
      this.countOf(key);
      const reply = model(keys, args, redis, publish);
      const isSet = op === 'set';
      if (op !== 'count') {
        this.onExecuted({ key, id: String(id), amount: isSet ? Number(amount) : null, reply: Number(reply) });
      }
      return reply;
    };
  }

  watchStore({ latches }: MemoryStore): void {
    const set = latches.trySetCount.bind(latches);
    const down = latches.countDown.bind(latches) as (name: string, id: string) => Promise<number>;
    // Replies come in the order in which the requests are executed.
    latches.trySetCount = async (...args: [name: string, count: number, id?: string]) => {
      const [name, amount, id = ''] = args;
      this.countOf(KEY_PREFIX + name);
      const reply = await set(name, amount);
      this.onExecuted({ key: KEY_PREFIX + name, id, amount, reply: reply ? 1 : 0 });
      return reply;
    };
    latches.countDown = async (name: string, id = '') => {
      this.countOf(KEY_PREFIX + name);
      const reply = await down(name, id);
      this.onExecuted({ key: KEY_PREFIX + name, id, amount: null, reply });
      return reply;
    };
  }

  /** A caller sets a latch or counts it down. */
  call(id: string): void {
    this.calls.set(id, []);
  }

  /** The call has ended with this result. */
  answered(caller: string, id: string, result: number): void {
    if (this.calls.get(id)?.includes(result) === true) return;
    this.oracle.violate(`${caller} was told ${result}, which no server replied to its request`);
  }

  begin(name: string): Passing {
    return { key: KEY_PREFIX + name, since: this.world.now, losses: this.oracle.losses };
  }

  passed(caller: string, { key, since, losses }: Passing): void {
    this.counts.passed += 1;
    // A server that lost its data may have been open in between.
    if (this.oracle.losses !== losses || this.countOf(key) === 0 || this.closedAt.get(key)! >= since) return;
    this.oracle.violate(`${caller} passed "${key}", which was closed all the time`);
  }

  private onExecuted({ key, id, amount, reply }: Executed): void {
    const before = this.countOf(key);
    const replies = this.calls.get(id);
    if (replies === undefined) this.oracle.violate(`"${key}" got a request with an id that no call has`);
    replies?.push(reply);
    const executed = this.effective.get(id);
    const resent = executed !== undefined;
    if (resent) this.counts.resent += 1;
    // The server may have lost that it executed the request, or only what was after it.
    const isKnown = !resent || executed === this.losses;
    const [after, expected] = isKnown ? this.effectOf(before, amount, resent) : [this.stored(key), reply];
    if (reply !== expected) this.oracle.violate(`"${key}" was ${before}, and replied ${reply} to ${id}`);
    if (after !== before) this.effective.set(id, this.losses);
    this.onCount(key, before, after);
  }

  /** The count after a request, and the reply. */
  private effectOf(before: number, amount: number | null, resent: boolean): [after: number, reply: number] {
    if (amount === null) {
      const after = Math.max(0, resent ? before : before - 1);
      return [after, after];
    }
    if (resent) return [before, 1];
    return before > 0 ? [before, 0] : [amount, 1];
  }

  private onCount(key: string, before: number, after: number): void {
    this.latches.set(key, after);
    if (before === 0 && after > 0) this.closedAt.set(key, this.world.now);
    if (before > 0 && after === 0) this.counts.opened += 1;
  }

  /** The count by the requests so far; after a loss of state, what the server has left. */
  private countOf(key: string): number {
    if (this.losses !== this.oracle.losses) this.latches.clear();
    this.losses = this.oracle.losses;
    const count = this.latches.get(key) ?? this.stored(key);
    this.latches.set(key, count);
    return count;
  }

  private stored(key: string): number {
    return Number(this.servers[0]!.keys.get(key) ?? 0);
  }
}
