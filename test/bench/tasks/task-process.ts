import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Entrant } from '../contestants/index.js';
import { Child, LIMIT_MS } from '../driver/child.js';

const MAIN = fileURLToPath(new URL('child.mjs', import.meta.url));

type Result = Readonly<Record<string, unknown>>;

/** A small process that does tasks with one contestant: see child.mjs. */
export class TaskProcess extends Child<{ readonly result: Result } | { readonly failed: string }> {
  private constructor() {
    super(MAIN, ['--expose-gc']);
  }

  /** @param connect whether it opens the contestant's client; else tasks open what they need */
  static async start({ id, file }: Entrant, url: string, connect = true): Promise<TaskProcess> {
    const task = new TaskProcess();
    try {
      await task.exchange(undefined, LIMIT_MS);
      await task.run('open', connect ? { id, file, url } : { id, url }, LIMIT_MS);
      return task;
    } catch (error) {
      await task.kill();
      throw error;
    }
  }

  /** @throws Error if the task fails, does not end in time, or the process ends */
  async run(task: string, ask: object, limitMs: number): Promise<Result> {
    const answer = await this.exchange({ task, ask }, limitMs);
    if ('failed' in answer) throw new Error(answer.failed);
    return answer.result;
  }

  /** Memory that this process alone needs, its share of what it has in common with others included, in bytes. */
  memory(): number {
    const file = `/proc/${this.pid ?? 0}/smaps_rollup`;
    const kib = existsSync(file) ? /^Pss:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
    return kib === undefined ? Number.NaN : Number(kib) * 1_024;
  }

  async stop(): Promise<void> {
    await this.run('close', {}, LIMIT_MS).catch(() => undefined);
    await this.kill();
  }
}
