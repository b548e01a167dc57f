import { setTimeout as sleep } from 'node:timers/promises';
import type { RunOnceMethodOptions } from 'nestjs-redis-lock';
import { ChildScript, type ChildMessage } from './child-script.js';

export interface JobReplicaSettings {
  /** Options of `RedisLockModule.forRoot`. */
  readonly connection: object;
  readonly name: string;
  readonly cron?: string;
  readonly cronOptions?: object;
  readonly interval?: number;
  readonly options?: RunOnceMethodOptions;
  readonly jobMs: number;
}

/** One run of the job in one replica. */
export interface JobRun {
  readonly replica: number;
  readonly firedAt: number;
  readonly attempt: number;
  readonly token: number;
  /** `died`: its process was killed before the end. */
  end: 'running' | 'done' | 'lost' | 'died';
}

interface Replica {
  readonly child: ChildScript;
  read: number;
}

/** Replicas of a Nest app in processes of their own, whose job fires by their own clocks and runs once for all of them. */
export class JobReplicas implements AsyncDisposable {
  /** In the order in which they were reported; those of one replica are in order. */
  readonly runs: JobRun[] = [];
  private readonly replicas = new Map<number, Replica>();
  private started = 0;

  constructor(private readonly settings: JobReplicaSettings) {}

  /** Starts a replica and returns its number. Its clock is `offsetMs` fast. */
  async start({ offsetMs = 0, env = {} }: { offsetMs?: number; env?: NodeJS.ProcessEnv } = {}): Promise<number> {
    const id = (this.started += 1);
    const child = ChildScript.start(
      'support/children/job-replica.mjs',
      [JSON.stringify({ ...this.settings, offsetMs })],
      env,
    );
    this.replicas.set(id, { child, read: 0 });
    await child.next('ready');
    return id;
  }

  get ids(): number[] {
    return [...this.replicas.keys()];
  }

  /** Reads what the replicas reported since the last call. */
  update(): readonly JobRun[] {
    for (const [id, replica] of this.replicas) this.read(id, replica);
    return this.runs;
  }

  async kill(id: number): Promise<void> {
    const replica = this.replicas.get(id);
    if (replica === undefined) throw new Error(`no replica ${String(id)}`);
    await replica.child.kill('SIGKILL');
    this.read(id, replica);
    this.replicas.delete(id);
    for (const run of this.runs) if (run.replica === id && run.end === 'running') run.end = 'died';
  }

  /** Ends a replica as a deployment does; its current run is finished. Returns its skipped calls. */
  async stop(id: number): Promise<{ ran: number; running: number }> {
    const replica = this.replicas.get(id);
    if (replica === undefined) throw new Error(`no replica ${String(id)}`);
    replica.child.send({ type: 'close' });
    const { ran, running } = await replica.child.next('closed');
    await replica.child.exited;
    this.read(id, replica);
    this.replicas.delete(id);
    return { ran: Number(ran), running: Number(running) };
  }

  async stopAll(): Promise<{ ran: number; running: number }> {
    const skipped = await Promise.all(this.ids.map((id) => this.stop(id)));
    return skipped.reduce((sum, each) => ({ ran: sum.ran + each.ran, running: sum.running + each.running }), {
      ran: 0,
      running: 0,
    });
  }

  async until(what: string, reached: (runs: readonly JobRun[]) => boolean, limitMs = 60_000): Promise<void> {
    const end = performance.now() + limitMs;
    while (!reached(this.update())) {
      if (performance.now() > end) throw new Error(`not reached: ${what}; runs: ${JSON.stringify(this.runs)}`);
      await sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.ids.map((id) => this.kill(id)));
  }

  private read(id: number, replica: Replica): void {
    const { messages } = replica.child;
    for (const message of messages.slice(replica.read)) this.take(id, message);
    replica.read = messages.length;
  }

  private take(replica: number, message: ChildMessage): void {
    const [firedAt, attempt, token] = [Number(message.firedAt), Number(message.attempt), Number(message.token)];
    if (message.type === 'begin') this.runs.push({ replica, firedAt, attempt, token, end: 'running' });
    if (message.type !== 'end') return;
    const run = this.runs.find((each) => each.replica === replica && each.token === token);
    if (run !== undefined) run.end = message.lost === true ? 'lost' : 'done';
  }
}

/** The runs of each firing, in the order of the firings. */
export function firingsOf(runs: readonly JobRun[]): JobRun[][] {
  const byTime = new Map<number, JobRun[]>();
  for (const run of runs) byTime.set(run.firedAt, [...(byTime.get(run.firedAt) ?? []), run]);
  return [...byTime.entries()].sort(([a], [b]) => a - b).map(([, each]) => each);
}
