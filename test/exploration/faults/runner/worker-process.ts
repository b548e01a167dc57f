import type { ChildExit } from '../../../support/child-script.js';
import { ChildScript } from '../../../support/child-script.js';
import { fileURLToPath } from 'node:url';
import type { HistoryFile } from '../history.js';
import type { Wiring } from '../stages/stage.js';
import type { Job, WorkOrder } from '../worker/order.js';
import type { SteppedClock } from '../clock/stepped-clock.js';

const LOADER = fileURLToPath(new URL('../../../support/register-ts.mjs', import.meta.url));

/** A worker as the runner sees it. */
export class WorkerProcess {
  private expectedEnd = false;
  /** How it ended, if nobody had asked for it. */
  crash: ChildExit | undefined;

  private constructor(
    readonly name: string,
    private readonly child: ChildScript,
    readonly wiring: Wiring,
    /** Where its clock can be stepped. */
    readonly clock: SteppedClock | undefined,
    private readonly history: HistoryFile,
  ) {
    void child.exited.then((exit) => {
      if (!this.expectedEnd || (exit.signal === null && exit.code !== 0)) this.crash = exit;
      void Promise.all(wiring.proxies.map((proxy) => proxy.close()));
    });
  }

  static async start(
    order: WorkOrder,
    wiring: Wiring,
    clock: SteppedClock | undefined,
    history: HistoryFile,
  ): Promise<WorkerProcess> {
    const env = { NODE_OPTIONS: `--import ${LOADER}`, ...clock?.env };
    const child = ChildScript.start('exploration/faults/worker/main.ts', [JSON.stringify(order)], env);
    const worker = new WorkerProcess(order.process, child, wiring, clock, history);
    await child.next('ready');
    return worker;
  }

  get running(): boolean {
    return !this.expectedEnd && this.crash === undefined;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.expectedEnd = true;
    this.history.write({ type: 'killed', process: this.name });
    await this.child.kill('SIGKILL');
  }

  /** Stopped from outside until the returned function is called. */
  freeze(): () => void {
    this.history.write({ type: 'paused', process: this.name });
    this.child.freeze();
    return () => {
      this.child.thaw();
      this.history.write({ type: 'resumed', process: this.name });
    };
  }

  /** Its event loop stands still for so long. */
  stall(ms: number): void {
    this.child.send({ type: 'stall', ms });
  }

  tryJob(job: Job): void {
    this.child.send({ type: 'job', job });
  }

  /** Lets its callers finish. Resolves when it has nothing in hand any more, `false` if that takes too long. */
  async finish(limitMs: number): Promise<boolean> {
    this.child.send({ type: 'finish' });
    return within(limitMs, this.child.next('idle'));
  }

  /** Closes its service and waits for its end, which has to come by itself. `false` if it does not. */
  async close(limitMs: number): Promise<boolean> {
    this.expectedEnd = true;
    this.child.send({ type: 'close' });
    const ended = await within(limitMs, this.child.exited);
    if (!ended) await this.kill();
    return ended;
  }
}

async function within(ms: number, event: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  try {
    return await Promise.race([
      event.then(
        () => true,
        () => false,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
