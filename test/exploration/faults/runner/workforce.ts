import { join } from 'node:path';
import type { SteppedClocks } from '../clock/stepped-clock.js';
import type { LockKind } from '../kinds.js';
import type { HistoryFile } from '../history.js';
import type { Stage } from '../stages/stage.js';
import type { Dice } from './dice.js';
import { WorkerProcess } from './worker-process.js';

export interface WorkforceSetup {
  readonly stage: Stage;
  readonly lib: string;
  readonly kind: LockKind;
  readonly leaseMs: number;
  readonly names: readonly string[];
  readonly callers: number;
  readonly folder: string;
  readonly resource: string;
  readonly history: HistoryFile;
  readonly clocks: SteppedClocks | undefined;
  readonly dice: Dice;
}

/** The processes that want locks. One that ends is replaced by one with a new name. */
export class Workforce {
  private readonly workers: WorkerProcess[] = [];
  private started = 0;
  /** Files that the histories of all workers are in, of those gone too. */
  readonly histories: string[] = [];
  /** What went wrong with workers, in words. */
  readonly complaints: string[] = [];

  constructor(private readonly setup: WorkforceSetup) {}

  get running(): WorkerProcess[] {
    return this.workers.filter(({ running }) => running);
  }

  async add(): Promise<void> {
    const { stage, lib, kind, leaseMs, names, callers, folder, resource, history, clocks, dice } = this.setup;
    this.started += 1;
    const name = `w${this.started}`;
    const path = join(folder, `${name}.history`);
    this.histories.push(path);
    const wiring = await stage.wire();
    const { minReplicas } = stage;
    const order = {
      ...{ process: name, lib, names, callers, resource, history: path },
      ...{ seed: dice.whole(0, 2 ** 32 - 1), setup: { where: wiring.where, leaseMs, minReplicas, kind } },
    };
    this.workers.push(await WorkerProcess.start(order, wiring, clocks?.make(name), history));
  }

  /** A worker is killed and another one takes its place. */
  async replace(worker: WorkerProcess): Promise<void> {
    await worker.kill();
    await this.add();
  }

  /** A worker ends in order while the others go on, as in a rolling deployment. */
  async retire(worker: WorkerProcess): Promise<void> {
    await this.add();
    await this.dismiss(worker);
  }

  /** Everybody finishes what they do, and waits to be told to close. */
  async finish(limitMs: number): Promise<void> {
    await Promise.all(
      this.running.map(async (worker) => {
        if (!(await worker.finish(limitMs))) this.complaints.push(`${worker.name} did not finish.`);
      }),
    );
  }

  async close(limitMs: number): Promise<void> {
    await Promise.all(
      this.running.map(async (worker) => {
        if (!(await worker.close(limitMs))) this.complaints.push(`${worker.name} did not end by itself.`);
      }),
    );
    for (const { name, crash } of this.workers) {
      if (crash !== undefined) this.complaints.push(`${name} crashed (${crash.code ?? crash.signal}): ${crash.stderr}`);
    }
  }

  /** Ends whoever still runs, when the round cannot go on. */
  async abandon(): Promise<void> {
    await Promise.all(this.running.map((worker) => worker.kill()));
  }

  private async dismiss(worker: WorkerProcess): Promise<void> {
    const limitMs = 60_000;
    if (!(await worker.finish(limitMs))) this.complaints.push(`${worker.name} did not finish.`);
    if (!(await worker.close(limitMs))) this.complaints.push(`${worker.name} did not end by itself.`);
  }
}
