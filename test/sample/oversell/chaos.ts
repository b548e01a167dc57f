import { setTimeout as sleep } from 'node:timers/promises';
import type { LockService } from '../../../lib/index.js';
import type { Replicas } from './replicas.js';

/** Long enough that a lock which is still the same hold belongs to a process that stands still: a section takes ms. */
const stillMs = 250;
/** Longer than the lease, which has to run out before anybody else can have the lock. */
const longestStopMs = 2_500;

/** Stops and kills replicas in the middle of their sections. */
export class Chaos {
  /** Holders that were stopped until somebody else had their locks, and those that were killed. */
  readonly counts = { stopped: 0, locksOfStopped: 0, killed: 0, inVain: 0 };
  private turn = 0;

  constructor(
    private readonly replicas: Replicas,
    private readonly locks: LockService,
    private readonly names: readonly string[],
  ) {}

  /** How many holders were stopped or killed. */
  get incidents(): number {
    return this.counts.stopped + this.counts.killed;
  }

  /**
   * Goes on until `done`, with the next one whenever `due` says so. Of three holders one is killed, and another process
   * started in its place.
   */
  async run(due: () => boolean, done: () => boolean): Promise<void> {
    while (!done()) {
      if (!due()) {
        await sleep(20);
        continue;
      }
      const index = this.turn++ % this.replicas.running.length;
      const { process } = this.replicas.running[index]!;
      process.signal('SIGSTOP');
      const held = await this.heldByStopped();
      if (held.size === 0) {
        this.counts.inVain += 1;
        process.signal('SIGCONT');
        continue;
      }
      if (this.incidents % 3 === 2) {
        this.counts.killed += 1;
        process.signal('SIGKILL');
        await process.untilExit();
        await this.replicas.start(index);
        continue;
      }
      this.counts.stopped += 1;
      this.counts.locksOfStopped += held.size;
      await this.untilTaken(held);
      process.signal('SIGCONT');
    }
  }

  private async owners(): Promise<Map<string, string>> {
    const states = await Promise.all(this.names.map((name) => this.locks.inspect(name)));
    return new Map(states.flatMap(({ owner }, index) => (owner === undefined ? [] : [[this.names[index]!, owner]])));
  }

  /** The locks whose holder does not move: those of the stopped process. */
  private async heldByStopped(): Promise<Map<string, string>> {
    // What was on its way when the process was stopped arrives first.
    await sleep(50);
    const before = await this.owners();
    await sleep(stillMs);
    const after = await this.owners();
    return new Map([...before].filter(([name, owner]) => after.get(name) === owner));
  }

  /** Waits until others have been in these sections. Nobody comes to those of what is sold out: not for ever. */
  private async untilTaken(held: ReadonlyMap<string, string>): Promise<void> {
    const tokens = async () =>
      Promise.all([...held.keys()].map(async (name) => (await this.locks.inspect(name)).token));
    const before = await tokens();
    const end = Date.now() + longestStopMs;
    while (Date.now() < end) {
      await sleep(50);
      const now = await tokens();
      if (now.every((token, index) => token !== before[index])) return;
    }
  }
}
