import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { CellCounts } from '../../evolution-table.js';
import type { SystemName } from '../../systems.js';
import type { ActorPool } from './actor-pool.js';
import { Caller } from './caller.js';
import { CommandGate } from './command-gate.js';
import { connectTo } from './servers.js';
import type { Servers } from './servers.js';
import { Witness } from './witness.js';

export interface CallerOptions {
  /** How long its lock lasts, in ms. Default 30 s: it never ends while the scenario runs. */
  readonly leaseMs?: number;
  /** The servers it locks on. Default: the run's one. */
  readonly nodes?: readonly string[];
  /** How many replicas there are. Default 0. */
  readonly replicas?: number;
}

export const longLeaseMs = 30_000;
const pauseMs = 20;
const lookEveryMs = 10;
/** Longer than any scenario takes. */
const patienceMs = 120_000;
/** After this many commands without success, a caller counts as excluded by a lock that never expires. */
const vainCommands = 12;

/** The environment of one cell: its own keys, the callers, and the records. */
export class Stage {
  readonly witness: Witness;
  foreignDeletes = 0;
  deadlock = false;
  staleWrites = 0;
  toldLost: boolean | null = null;
  waitMs: number | null = null;
  private readonly callers: Caller[] = [];
  private readonly gates: CommandGate[] = [];
  private readonly lookers: Redis[] = [];
  private looker: Redis;
  private closed = false;

  constructor(
    readonly system: SystemName,
    private readonly prefix: string,
    readonly servers: Servers,
    private readonly pool: ActorPool,
  ) {
    this.witness = new Witness(servers.witnessUrl, prefix);
    this.looker = this.lookAt(servers.lockUrl);
  }

  /** A caller that has connected, and has not asked for the lock yet. */
  async caller(name: string, { leaseMs = longLeaseMs, nodes, replicas = 0 }: CallerOptions = {}): Promise<Caller> {
    const gates = await Promise.all((nodes ?? [this.servers.lockUrl]).map((url) => CommandGate.open(url)));
    const part = {
      caller: name,
      system: this.system,
      nodes: gates.map(({ url }) => url),
      prefix: this.prefix,
      witness: this.servers.witnessUrl,
      ...{ leaseMs, pauseMs, patienceMs, replicas },
    };
    this.gates.push(...gates);
    const caller = await Caller.open(this.pool, part, gates, this.witness);
    this.callers.push(caller);
    this.mustBeOpen();
    return caller;
  }

  /** Looks at the locks of another server from now on. */
  lookAt(url: string): Redis {
    this.looker = connectTo(url);
    this.lookers.push(this.looker);
    return this.looker;
  }

  /** Whether the lock is there, whosever it is. */
  async lockExists(): Promise<boolean> {
    return (await this.looker.exists(this.lockKey)) === 1;
  }

  /** Whether a command is about the lock. */
  isAboutLock = ({ args }: { readonly args: readonly string[] }): boolean => args.includes(this.lockKey);

  /** Polls until a condition of the lock or the callers is true, since Redis has no event for it. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await this.pause();
  }

  /**
   * Waits until a caller gets in, or it is certain that it never does as things stand: after the lock that began at
   * `since` should have ended, it is kept alive (its time to live is no longer than that lease, and yet it is there), or
   * has no end and was tried in vain.
   */
  async getsIn(caller: Caller, since: number, leaseMs: number): Promise<boolean> {
    const late = since + 2.5 * leaseMs;
    let vainSince: number | undefined;
    const isInside = (): boolean => caller.inside !== undefined;
    while (!isInside()) {
      await this.pause();
      if (caller.done !== undefined) throw new Error(`${caller.name} got no lock: ${caller.done.error ?? ''}`);
      if (performance.now() < late) continue;
      const remaining = await this.looker.pttl(this.lockKey);
      if (remaining > 0 && remaining <= leaseMs) return isInside();
      if (remaining !== -1) vainSince = undefined;
      else if (caller.commands - (vainSince ??= caller.commands) >= vainCommands) return false;
    }
    return true;
  }

  /** Lets a caller finish, and checks whether its release deleted the lock of a caller that is inside. */
  async finishBeside(leaving: Caller): Promise<void> {
    const held = await this.lockExists();
    await leaving.finish();
    if (held && !(await this.lockExists())) this.foreignDeletes += 1;
  }

  /** Lets each caller that enters finish, until all have finished. */
  async finishAll(callers: readonly Caller[]): Promise<void> {
    await Promise.all(
      callers.map(async (caller) => {
        await caller.untilInside();
        await caller.finish();
      }),
    );
  }

  async counts(): Promise<CellCounts> {
    const { foreignDeletes, deadlock, staleWrites, toldLost, waitMs } = this;
    return {
      rebuilds: await this.witness.rebuilds(),
      mostInside: await this.witness.mostInside(),
      foreignDeletes,
      deadlock,
      staleWrites,
      toldLost,
      waitMs,
      commands: this.callers.reduce((sum, caller) => sum + caller.commands, 0),
    };
  }

  /** Aborts the scenario: the next wait fails. */
  giveUp(): void {
    this.closed = true;
    for (const caller of this.callers) caller.giveUp();
  }

  async close(): Promise<void> {
    await Promise.all(this.callers.map((caller) => caller.close(this.pool)));
    await Promise.all(this.gates.map((gate) => gate.close()));
    await this.leaveNothing();
    this.witness.close();
    for (const looker of this.lookers) looker.disconnect();
  }

  /** The Redis may be shared, and some of these locks never expire. */
  private async leaveNothing(): Promise<void> {
    const names = ['catalog', ...this.callers.map(({ name }) => `warm-up-${name}`)];
    const keys = names.map((name) => `${this.prefix}${this.system}:${name}`);
    // A killed server is skipped.
    if (this.looker.status === 'ready')
      await this.looker.del(...keys, ...keys.map((key) => `redisson_lock_token:{${key}}`));
    await this.witness.forget();
  }

  private async pause(): Promise<void> {
    await sleep(lookEveryMs);
    this.mustBeOpen();
  }

  private mustBeOpen(): void {
    if (this.closed) throw new Error('The scenario was aborted.');
  }

  private get lockKey(): string {
    return `${this.prefix}${this.system}:catalog`;
  }
}
