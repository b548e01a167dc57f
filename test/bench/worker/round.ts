import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../clock.js';
import type { LockClient } from '../contestants/contestant.js';
import type { ErrorTally } from './error-tally.js';
import type { Plan, RoundResult } from './plan.js';
import { connectedPorts } from './ports.js';
import { RecordColumns } from './record-columns.js';

/** One round: all callers run sections until the window closes, then each finishes the one it waits for. */
export class Round {
  private readonly records = new RecordColumns();
  private readonly inside = new Map<string, number>();
  private readonly end: number;
  private sections = 0;
  private allSections = 0;
  private insideMs = 0;
  private overlaps = 0;
  private working: number;

  constructor(
    private readonly client: LockClient,
    private readonly plan: Plan,
    private readonly errors: ErrorTally,
  ) {
    this.end = plan.startAt + plan.durationMs;
    this.working = plan.callers;
  }

  async run(): Promise<RoundResult> {
    const { plan, client } = this;
    const gaveUp = client.gaveUp();
    await sleep(Math.max(0, plan.startAt - now()));
    const window = this.watchWindow();
    const callers = Array.from({ length: plan.callers }, (_, caller) => this.call(caller));
    await Promise.race([Promise.all(callers), sleep(plan.durationMs + plan.drainMs, undefined, { ref: false })]);
    return {
      sections: this.sections,
      allSections: this.allSections,
      elapsedMs: plan.durationMs,
      insideMs: this.insideMs,
      ...(await window),
      gaveUp: client.gaveUp() - gaveUp,
      overlaps: this.overlaps,
      ports: connectedPorts(),
      stuck: this.working,
      errors: this.errors.take(),
      records: this.records.take(),
    };
  }

  private async watchWindow(): Promise<Pick<RoundResult, 'cpuMs' | 'connections'>> {
    if (this.plan.settleMs > 0) await sleep(this.plan.settleMs);
    const since = process.cpuUsage();
    await sleep(Math.max(0, this.end - now()));
    const { user, system } = process.cpuUsage(since);
    // What keeps this process in touch with the driver is a pipe, so every TCP socket is the library's.
    const connections = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    return { cpuMs: (user + system) / 1_000, connections };
  }

  private async call(caller: number): Promise<void> {
    const { client, plan, records } = this;
    const name = plan.names[caller % plan.names.length] ?? '';
    let [entered, left] = [0, 0];
    const leave = (): void => {
      this.inside.set(name, (this.inside.get(name) ?? 0) - 1);
      left = now();
      this.allSections += 1;
      if (left > this.end) return;
      this.sections += 1;
      this.insideMs += left - entered;
    };
    const body = (): Promise<void> | void => {
      entered = now();
      const others = this.inside.get(name) ?? 0;
      this.inside.set(name, others + 1);
      if (others >= this.plan.permits) this.overlaps += 1;
      // What is served after the window counts for nothing: the sooner it is over the better.
      if (plan.sectionMs > 0 && entered < this.end) return sleep(plan.sectionMs).then(leave);
      leave();
    };
    try {
      for (let [time, asked] = [0, now()]; time < plan.times && asked < this.end; time += 1, asked = now()) {
        await client.section(name, body);
        if (plan.record) records.add(caller, asked, entered, left, now());
      }
    } catch (error) {
      this.errors.add(error);
    }
    this.working -= 1;
  }
}
