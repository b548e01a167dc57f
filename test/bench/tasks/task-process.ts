import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stopOnExit, type Stoppable } from '../../../sample-app/services/cleanup.js';
import type { Entrant } from '../contestants/index.js';

const MAIN = fileURLToPath(new URL('child.mjs', import.meta.url));
const START_LIMIT_MS = 30_000;

type Answer = { readonly result: unknown } | { readonly failed: string };

/** A small process that does tasks with one contestant: see child.mjs. */
export class TaskProcess implements Stoppable {
  private readonly exited: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'exit');
    this.exited.catch(() => undefined);
    child.once('exit', stopOnExit(this));
  }

  /** @param connect whether it opens the contestant's client; else tasks open what they need */
  static async start(entrant: Entrant, url: string, connect = true): Promise<TaskProcess> {
    const child = fork(MAIN, [], {
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
      // What libraries print is not the bench's output.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    const task = new TaskProcess(child);
    try {
      await task.hear(START_LIMIT_MS);
      const { id, file } = entrant;
      await task.run('open', connect ? { id, file, url } : { id, url }, START_LIMIT_MS);
      return task;
    } catch (error) {
      await task.kill();
      throw error;
    }
  }

  /** @throws Error if the task fails, does not end in time, or the process ends */
  async run(task: string, ask: object, limitMs: number): Promise<Readonly<Record<string, unknown>>> {
    const answer = this.hear(limitMs);
    this.child.send({ task, ask });
    return answer as Promise<Readonly<Record<string, unknown>>>;
  }

  /** Memory that this process alone needs, its share of what it has in common with others included, in bytes. */
  memory(): number {
    const file = `/proc/${this.child.pid ?? 0}/smaps_rollup`;
    const kib = existsSync(file) ? /^Pss:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
    return kib === undefined ? Number.NaN : Number(kib) * 1_024;
  }

  async stop(): Promise<void> {
    await this.run('close', {}, START_LIMIT_MS).catch(() => undefined);
    await this.kill();
  }

  async kill(): Promise<void> {
    this.stopNow();
    await this.exited;
  }

  stopNow(): void {
    this.child.kill('SIGKILL');
  }

  private hear(limitMs: number): Promise<unknown> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        child.off('message', onMessage).off('exit', onExit);
      };
      const onMessage = (answer: Answer): void => {
        settle();
        if ('result' in answer) resolve(answer.result);
        else reject(new Error(answer.failed));
      };
      const onExit = (code: number | null, signal: string | null): void => {
        settle();
        reject(new Error(`its process ended (${signal ?? `exit code ${code}`})`));
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`it was not done within ${Math.round(limitMs / 1_000)} s and was cut off`));
      }, limitMs);
      child.on('message', onMessage).on('exit', onExit);
    });
  }
}
