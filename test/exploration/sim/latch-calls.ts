import type { LatchWaitOptions } from '../../../lib/options/latch-options.js';
import type { SimProcess } from './kernel/sim-process.js';
import type { LatchWatch } from './latch-watch.js';
import type { LockService } from './library/types.js';
import type { Oracle } from './oracle.js';
import type { Call } from './schedule.js';

/** A request that fails is sent again for at least this long, in ms: `wait` of the services, less the longest pause. */
const RETRIED_MS = 8_900;

/** What the callers of one process do with latches. */
export class LatchCalls {
  constructor(
    private readonly process: SimProcess,
    private readonly service: LockService,
    private readonly oracle: Oracle,
    private readonly watch: LatchWatch,
  ) {}

  async run(caller: string, name: string, { latch: what }: Call, options: LatchWaitOptions): Promise<void> {
    const latch = this.service.latch(name);
    if (what === undefined || what === 'wait') {
      const passing = this.watch.begin(name);
      await latch.wait(options);
      this.watch.passed(caller, passing);
      return;
    }
    let left: number;
    do left = await this.change(caller, () => (typeof what === 'number' ? latch.trySetCount(what) : latch.countDown()));
    while (what === 'open' && left > 0);
  }

  private async change(caller: string, send: () => Promise<number | boolean>): Promise<number> {
    const since = this.process.mono();
    const sent = send();
    // The last id that was made is that of the call.
    const id = this.process.ids.at(-1)!;
    this.watch.call(id);
    try {
      const result = Number(await sent);
      this.watch.answered(caller, id, result);
      return result;
    } catch (error) {
      const ms = this.process.mono() - since;
      if (ms < RETRIED_MS) this.oracle.violate(`${caller} was refused after ${ms.toFixed(0)} ms: ${String(error)}`);
      throw error;
    }
  }
}
