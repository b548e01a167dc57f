import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ending, stopOnExit, type Stoppable } from '../../../sample-app/services/cleanup.js';
import type { Entrant } from '../contestants/index.js';
import type { Order, Plan, Report, RoundResult } from '../worker/plan.js';

const LOADER = new URL('../../support/register-ts.mjs', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../worker/main.ts', import.meta.url));
/** For starting, opening and closing: Node, its packages and a connection. */
const LIMIT_MS = 30_000;
/** How much later than the worker itself we notice that a round does not end. */
const GRACE_MS = 5_000;

/** A worker as the driver sees it. */
export class WorkerProcess implements Stoppable {
  private readonly exited: Promise<unknown>;

  private constructor(
    private readonly child: ChildProcess,
    readonly title: string,
  ) {
    this.exited = once(child, 'exit');
    this.exited.catch(() => undefined);
    child.once('exit', stopOnExit(this));
  }

  /** @throws Error if the library cannot be imported or does not connect */
  static async start(entrant: Entrant, url: string): Promise<WorkerProcess> {
    ending.throwIfAborted();
    const child = fork(MAIN, [], {
      execArgv: ['--import', LOADER],
      serialization: 'advanced',
      // What libraries print is not the bench's output.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    const worker = new WorkerProcess(child, entrant.title);
    try {
      await worker.exchange(undefined, LIMIT_MS);
      await worker.ask({ type: 'open', file: entrant.file, id: entrant.id, url }, LIMIT_MS);
      return worker;
    } catch (error) {
      await worker.kill();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.child.pid;
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

  async kill(): Promise<void> {
    this.stopNow();
    await this.exited;
  }

  stopNow(): void {
    this.child.kill('SIGKILL');
  }

  private async ask(order: Order, limitMs: number): Promise<Report> {
    const report = await this.exchange(order, limitMs);
    if (report.type === 'failed') throw new Error(report.reason);
    return report;
  }

  /** Its next report, after an order or by itself. */
  private exchange(order: Order | undefined, limitMs: number): Promise<Report> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        child.off('message', onMessage).off('exit', onEnd);
      };
      const onMessage = (report: Report): void => {
        settle();
        resolve(report);
      };
      const onEnd = (): void => {
        settle();
        const { signalCode, exitCode } = child;
        reject(new Error(`its process ended (${signalCode ?? `exit code ${String(exitCode)}`})`));
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`it did not answer within ${Math.round(limitMs / 1_000)} s and was cut off`));
      }, limitMs);
      child.on('message', onMessage).on('exit', onEnd);
      if (order === undefined) return;
      // It may have ended a moment ago, unheard.
      child.send(order, (error) => {
        if (error !== null) onEnd();
      });
    });
  }
}
