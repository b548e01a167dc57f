import type { Entrant } from '../contestants/index.js';
import { Crew } from './crew.js';

/** The crews of a run. Starting a process takes longer than a round, so they are kept until somebody ends them. */
export class Crews {
  private readonly running = new Map<string, Crew>();
  private readonly failed = new Map<string, unknown>();

  constructor(private readonly url: string) {}

  /** @throws Error why this contestant cannot be started; it is not tried twice */
  async get(entrant: Entrant, size: number): Promise<Crew> {
    const key = `${entrant.id}/${size}`;
    if (this.failed.has(entrant.id)) throw this.failed.get(entrant.id);
    const running = this.running.get(key);
    if (running !== undefined) return running;
    try {
      const crew = await Crew.start(entrant, size, this.url);
      this.running.set(key, crew);
      return crew;
    } catch (error) {
      this.failed.set(entrant.id, error);
      throw error;
    }
  }

  /** Ends one by force, and what it held is never asked for again: the next `get` starts another. */
  async discard(crew: Crew): Promise<void> {
    this.forget(crew);
    await crew.kill();
  }

  /** Ends all crews of this size. */
  async close(size?: number): Promise<void> {
    const crews = [...this.running.values()].filter((crew) => size === undefined || crew.size === size);
    for (const crew of crews) this.forget(crew);
    await Promise.all(crews.map((crew) => crew.close()));
  }

  private forget(crew: Crew): void {
    this.running.delete(`${crew.entrant.id}/${crew.size}`);
  }
}
