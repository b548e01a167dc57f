import { fileURLToPath } from 'node:url';
import type { Entrant } from '../contestants/index.js';
import type { Order, Plan, Report, RoundResult } from '../worker/plan.js';
import { Child, LIMIT_MS } from './child.js';

const LOADER = new URL('../../support/register-ts.mjs', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../worker/main.ts', import.meta.url));
/** How much later than the worker itself we notice that a round does not end. */
const GRACE_MS = 5_000;

/** A worker as the driver sees it. */
export class WorkerProcess extends Child<Report> {
  private constructor(private readonly title: string) {
    super(MAIN, ['--import', LOADER]);
  }

  /** @throws Error if the library cannot be imported or does not connect */
  static async start(entrant: Entrant, url: string): Promise<WorkerProcess> {
    const worker = new WorkerProcess(entrant.title);
    try {
      await worker.exchange(undefined, LIMIT_MS);
      await worker.ask({ type: 'open', file: entrant.file, id: entrant.id, url }, LIMIT_MS);
      return worker;
    } catch (error) {
      await worker.kill();
      throw error;
    }
  }

  /** @throws Error if it does not answer in time, or ends */
  async round(plan: Plan): Promise<RoundResult> {
    const report = await this.ask({ type: 'round', plan }, plan.durationMs + plan.drainMs + GRACE_MS);
    if (report.type !== 'round') throw new Error(`${this.title} answered a round with "${report.type}".`);
    return report.result;
  }

  async stop(): Promise<void> {
    await this.ask({ type: 'close' }, LIMIT_MS).catch(() => undefined);
    await this.kill();
  }

  private async ask(order: Order, limitMs: number): Promise<Report> {
    const report = await this.exchange(order, limitMs);
    if (report.type === 'failed') throw new Error(report.reason);
    return report;
  }
}
