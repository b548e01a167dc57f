import { findRedisProgram } from '../../services/find-program.js';
import { emptyTable } from '../evolution/empty-table.js';
import type { EvolutionTable } from '../evolution/evolution-table.js';
import { runEvolution } from '../evolution/run-evolution.js';
import type { EvolutionOptions } from '../evolution/run-evolution.js';
import { ControlError } from './control-error.js';
import type { LoadGenerator } from './load-generator.js';

/** The table is large, and its cells change in bursts. */
const tellEveryMs = 250;

/** Runs all scenarios with all systems beside the shop, and publishes the table as it fills. */
export class EvolutionControl {
  /** Grows with each change of the table. */
  version = 0;
  private table: EvolutionTable;
  private readonly end = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;

  /** @param options what to run, and with which Redis; default: everything, with the Redis program of this machine */
  constructor(
    private readonly load: LoadGenerator,
    private readonly options: EvolutionOptions,
    private readonly onChange: (table: EvolutionTable) => void,
  ) {
    this.table = emptyTable(options.systems, options.scenarios);
  }

  get current(): EvolutionTable {
    return this.table;
  }

  /** Does not wait for the end. */
  run(): string {
    if (this.running !== null) throw new ControlError(409, 'The scenarios are already running.');
    if (this.end.signal.aborted) throw new ControlError(409, 'The shop is stopping.');
    // The run needs all of a small machine.
    const letLoadGoOn = this.load.hold();
    this.running = this.play().finally(() => {
      this.running = null;
      letLoadGoOn();
    });
    return 'All scenarios run with all systems now. No customers are sent meanwhile.';
  }

  /** Ends a run, and waits until all that it started has ended. */
  async close(): Promise<void> {
    this.end.abort();
    clearTimeout(this.timer);
    await this.running;
  }

  private async play(): Promise<void> {
    const before = this.table;
    try {
      const table = await runEvolution({
        redisProgram: findRedisProgram(),
        ...this.options,
        signal: this.end.signal,
        onCell: (_cell, next) => this.show(next),
      });
      this.show(table);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      const started = this.table === before ? emptyTable(this.options.systems, this.options.scenarios) : this.table;
      this.show({ ...started, state: 'stopped', problem });
    }
  }

  private show(table: EvolutionTable): void {
    this.table = table;
    this.version += 1;
    if (this.end.signal.aborted) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.onChange(this.table);
    }, tellEveryMs);
  }
}
