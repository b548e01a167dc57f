import type { Entrant } from '../contestants/index.js';
import { Crew } from './crew.js';
import { WorkerProcess } from './worker-process.js';

/** The processes of one contestant. */
interface Pool {
  /** Part of the names of its locks: what a killed pool left behind is never met again. */
  readonly generation: number;
  readonly workers: WorkerProcess[];
}

/**
 * The processes of a run. Starting one takes longer than a round, so they are kept, and a crew is made of those that are
 * there: the smaller crew of a contestant is a part of the larger one.
 */
export class Crews {
  private readonly pools = new Map<string, Pool>();
  private readonly failed = new Map<string, unknown>();
  private generations = 0;

  constructor(private readonly url: string) {}

  /**
   * @param first which of the contestant's processes is the crew's first: two crews at work at once must not share any
   * @throws Error why this contestant cannot be started; it is not tried twice
   */
  async get(entrant: Entrant, size: number, first = 0): Promise<Crew> {
    if (this.failed.has(entrant.id)) throw this.failed.get(entrant.id);
    const { workers, generation } = this.poolOf(entrant);
    try {
      workers.push(...(await this.start(entrant, first + size - workers.length)));
    } catch (error) {
      this.failed.set(entrant.id, error);
      throw error;
    }
    return new Crew(entrant, workers.slice(first, first + size), generation);
  }

  /** Ends all processes of its contestant by force: the next `get` starts others. */
  async discard({ entrant }: Crew): Promise<void> {
    const { workers } = this.poolOf(entrant);
    this.pools.delete(entrant.id);
    await Promise.all(workers.map((worker) => worker.kill()));
  }

  /** Ends what no crew of this size or less needs. */
  async keep(size: number): Promise<void> {
    const beyond = [...this.pools.values()].flatMap(({ workers }) => workers.splice(size));
    await Promise.all(beyond.map((worker) => worker.stop()));
  }

  close(): Promise<void> {
    return this.keep(0);
  }

  private poolOf(entrant: Entrant): Pool {
    let pool = this.pools.get(entrant.id);
    if (pool === undefined) {
      this.generations += 1;
      pool = { generation: this.generations, workers: [] };
      this.pools.set(entrant.id, pool);
    }
    return pool;
  }

  private async start(entrant: Entrant, count: number): Promise<WorkerProcess[]> {
    const missing = Array.from({ length: Math.max(0, count) }, () => WorkerProcess.start(entrant, this.url));
    const started = await Promise.allSettled(missing);
    const workers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const failure = started.find((each) => each.status === 'rejected');
    if (failure === undefined) return workers;
    await Promise.all(workers.map((worker) => worker.kill()));
    throw failure.reason;
  }
}
