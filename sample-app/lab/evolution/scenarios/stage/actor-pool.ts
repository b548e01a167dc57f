import { ActorProcess } from './actor-process.js';

/** Processes for callers. A process is reused after its part, unless it was killed. */
export class ActorPool {
  private readonly idle: ActorProcess[] = [];
  private readonly all = new Set<ActorProcess>();

  constructor(private readonly programs: URL) {}

  async take(): Promise<ActorProcess> {
    for (let actor = this.idle.pop(); actor !== undefined; actor = this.idle.pop()) if (actor.running) return actor;
    const actor = await ActorProcess.start(this.programs);
    actor.events.setMaxListeners(50);
    this.all.add(actor);
    actor.events.once('gone', () => this.all.delete(actor));
    return actor;
  }

  giveBack(actor: ActorProcess): void {
    if (actor.running) this.idle.push(actor);
  }

  async end(): Promise<void> {
    await Promise.all([...this.all].map((actor) => actor.end()));
  }
}
