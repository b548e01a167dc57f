import type { ActorPart, Report } from '../actor/actor-messages.js';
import type { ActorPool } from './actor-pool.js';
import type { ActorProcess } from './actor-process.js';
import type { CommandGate } from './command-gate.js';
import type { Witness } from './witness.js';

type Inside = Extract<Report, { type: 'inside' }>;
type Done = Extract<Report, { type: 'done' }>;

/** One caller of the lock in one cell: a process, and its connections to the Redis servers. */
export class Caller {
  /** The report that it got the lock, once it has. */
  inside: Inside | undefined;
  /** How it ended, once it has. */
  done: Done | undefined;
  private broken: string | undefined;
  /** When it got in, by this process's clock, in ms. */
  insideAt = Number.NaN;
  private called = false;
  private readonly untils: (() => void)[] = [];

  private constructor(
    readonly name: string,
    private readonly actor: ActorProcess,
    /** The gate of each of its connections. */
    readonly gates: readonly CommandGate[],
    private readonly witness: Witness,
  ) {
    actor.events.on('report', this.hear);
  }

  static async open(
    pool: ActorPool,
    part: ActorPart,
    gates: readonly CommandGate[],
    witness: Witness,
  ): Promise<Caller> {
    const actor = await pool.take();
    const caller = new Caller(part.caller, actor, gates, witness);
    try {
      const opened = actor.next('opened');
      actor.tell({ type: 'open', ...part });
      await opened;
    } catch (error) {
      // A process that could not open its lock cannot be reused.
      await actor.end();
      throw error;
    }
    for (const gate of gates) gate.forget();
    return caller;
  }

  /** The gate to the first server. */
  get gate(): CommandGate {
    const [first] = this.gates;
    if (first === undefined) throw new Error('A caller without a way to Redis.');
    return first;
  }

  /** How many commands it has sent since it was opened. */
  get commands(): number {
    return this.gates.reduce((sum, gate) => sum + gate.commands.length, 0);
  }

  /** Requests the lock. */
  call(): void {
    this.called = true;
    this.actor.tell({ type: 'call' });
  }

  untilInside(): Promise<void> {
    return this.until(() => this.inside !== undefined, 'inside');
  }

  untilDone(): Promise<void> {
    return this.until(() => this.done !== undefined, 'done');
  }

  /** Ends its work and releases the lock. Resolves when that is done. */
  async finish({ write = false } = {}): Promise<void> {
    this.goOn({ write });
    await this.untilDone();
  }

  /** Ends its work. */
  goOn({ write = false } = {}): void {
    this.actor.tell({ type: 'go', write });
  }

  /** `kill -9`. A dead caller is no longer inside. */
  async kill(): Promise<void> {
    await this.actor.end();
    await this.witness.leave(this.name);
  }

  stop(): void {
    this.actor.signal('SIGSTOP');
  }

  resume(): void {
    this.actor.signal('SIGCONT');
  }

  /** Returns the process to the pool, or ends it if it is still busy. */
  async close(pool: ActorPool): Promise<void> {
    this.actor.events.off('report', this.hear);
    const idle = this.actor.running && (!this.called || this.done !== undefined);
    if (idle) {
      const closed = this.actor.next('closed');
      this.actor.tell({ type: 'close' });
      await closed.then(
        () => pool.giveBack(this.actor),
        () => this.actor.end(),
      );
    } else await this.actor.end();
  }

  /** Ends the process if it is busy. */
  giveUp(): void {
    if (this.called && this.done === undefined) void this.actor.end();
  }

  /** Why no further reports will come. */
  private get problem(): string | undefined {
    return this.broken ?? (this.done === undefined ? undefined : (this.done.error ?? 'it was through before.'));
  }

  private readonly hear = (report: Report): void => {
    if (report.type === 'inside') {
      this.inside = report;
      this.insideAt = performance.now();
    }
    if (report.type === 'done') this.done = report;
    if (report.type === 'broken') this.broken = report.message;
    for (const check of [...this.untils]) check();
  };

  private until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (condition()) settle(resolve);
        else if (this.problem !== undefined) {
          settle(() => reject(new Error(`${this.name} was not ${what}: ${this.problem ?? ''}`)));
        }
      };
      const gone = (): void => settle(() => reject(new Error(`${this.name} ended before it was ${what}.`)));
      const settle = (how: () => void): void => {
        this.untils.splice(this.untils.indexOf(check), 1);
        this.actor.events.off('gone', gone);
        how();
      };
      this.untils.push(check);
      this.actor.events.once('gone', gone);
      check();
    });
  }
}
