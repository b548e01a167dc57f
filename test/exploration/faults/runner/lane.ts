import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryFile } from '../history.js';
import type { Dice } from './dice.js';
import type { Fault } from './fault.js';

export interface LaneSetup {
  readonly label: string;
  readonly faults: readonly Fault[];
  readonly dice: Dice;
  readonly history: HistoryFile;
  /** Between two faults, ms. */
  readonly pause: readonly [number, number];
  /** Whether callers can be served all the time: the faults say what they cost, and are settled before the next one. */
  readonly calm?: boolean;
}

/** One fault after the other, as the dice say, until it is stopped. Several lanes run at once. */
export class Lane {
  readonly counts = new Map<string, number>();
  private readonly stopped = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly setup: LaneSetup) {}

  start(): void {
    this.running = this.run();
    // `stop` tells of it.
    this.running.catch(() => undefined);
  }

  /** Resolves when the last fault is undone. Rejects if one could not be made or undone. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { label, faults, dice, history, pause, calm = false } = this.setup;
    if (faults.length === 0) return;
    for (let index = 1; ; index += 1) {
      await sleep(dice.whole(...(pause as [number, number])), undefined, { signal: this.stopped.signal }).catch(
        () => 0,
      );
      if (this.stopped.signal.aborted) return;
      const fault = dice.weighted(faults);
      const id = `${label}-${index}`;
      history.write({
        type: 'fault',
        id,
        what: fault.what,
        ...(fault.losesState ? { stateLost: 'all' as const } : {}),
        ...(calm && fault.calm !== undefined ? { graceMs: fault.calm.graceMs } : {}),
      });
      // Dice of its own: how many it needs may depend on what it finds.
      await fault.happen(dice.fork(id));
      if (calm) await sleep(fault.calm?.settleMs ?? 0);
      history.write({ type: 'healed', id });
      this.counts.set(fault.what, (this.counts.get(fault.what) ?? 0) + 1);
    }
  }
}
