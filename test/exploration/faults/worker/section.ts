import { setTimeout as sleep } from 'node:timers/promises';
import { machineClock, type HistoryFile } from '../history.js';
import type { HeldLock } from './lock-client.js';
import type { Plan } from './plan.js';
import type { ResourceClient } from './resource-client.js';

export interface SectionTools {
  readonly history: HistoryFile;
  readonly resource: ResourceClient;
  readonly leaseMs: number;
}

/** Runs what `plan` says under a lock, writes down what happens, and releases the lock. */
export class Section {
  private deadline: number | null = null;
  private readonly began = machineClock();

  constructor(
    private readonly caller: string,
    private readonly plan: Plan,
    private readonly held: HeldLock,
    private readonly tools: SectionTools,
  ) {}

  async run(): Promise<void> {
    const { held, plan } = this;
    const { signal } = held;
    this.note('enter');
    const onLost = (): void => this.noteLost();
    if (signal?.aborted === true) this.noteLost();
    else signal?.addEventListener('abort', onLost, { once: true });
    try {
      await this.work();
      if (plan.stubborn && signal?.aborted === true) await this.write();
    } finally {
      this.note('leave');
      const outcome = await held.release();
      signal?.removeEventListener('abort', onLost);
      for (const name of plan.names) this.tools.history.write({ type: 'released', caller: this.caller, name, outcome });
    }
  }

  private async work(): Promise<void> {
    const { sectionMs, writeAt, stubborn } = this.plan;
    const { signal } = this.held;
    const began = machineClock();
    const over = (): boolean => signal?.aborted === true && !stubborn;
    let written = false;
    for (;;) {
      const done = machineClock() - began;
      if (!written && done >= sectionMs * writeAt && !over()) {
        written = true;
        await this.write();
      }
      const rest = sectionMs - (machineClock() - began);
      if (rest <= 0 || over()) return;
      const untilWrite = written ? rest : Math.max(1, sectionMs * writeAt - (machineClock() - began));
      await sleep(Math.min(rest, untilWrite, this.tools.leaseMs / 5), undefined);
      if (sectionMs > this.tools.leaseMs / 5) this.note('look');
    }
  }

  private async write(): Promise<void> {
    const { names } = this.plan;
    await Promise.all(names.map((name) => this.tools.resource.write(this.caller, name, this.held.tokenOf(name))));
  }

  private note(type: 'enter' | 'look' | 'leave'): void {
    for (const name of this.plan.names) {
      // The stamp first: whatever comes between makes the deadline earlier than it is.
      const at = machineClock();
      const remaining = this.held.remaining() ?? this.restOfFixed(at);
      // Once it is lost, what was known before is what counts.
      if (remaining !== null && remaining > 0) this.deadline = at + remaining;
      const event = { at, caller: this.caller, name, remaining };
      const token = this.held.tokenOf(name);
      if (type === 'enter') this.tools.history.write({ type, ...event, ...(token === undefined ? {} : { token }) });
      else this.tools.history.write({ type, ...event });
    }
  }

  /** Where the library cannot say: of a lease that is not renewed its holder knows the end by itself. */
  private restOfFixed(at: number): number | null {
    const { lease } = this.plan.ask;
    return lease === 'renew' ? null : Math.max(0, lease - (at - this.began));
  }

  private noteLost(): void {
    const lost = this.held.signal?.reason as { reason?: string; code?: string } | undefined;
    const reason = lost?.reason ?? lost?.code ?? 'unknown';
    for (const name of this.plan.names) {
      this.tools.history.write({
        type: 'lost',
        caller: this.caller,
        name,
        reason,
        deadline: this.deadline,
      });
    }
  }
}
