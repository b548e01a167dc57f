import type { Replica } from '../launch/shop.js';
import type { ServerProcess } from '../../services/server-process.js';
import { ControlError } from './control-error.js';
import type { ReplicaState } from './control-state.js';

export interface ReplicaDelays {
  /** The pause before a replica that ended is restarted, in ms. Default 2,000. */
  readonly restartMs: number;
  /** A stopped replica continues after this time, in ms. Default 30,000. */
  readonly continueMs: number;
}

/** A replica that is restarted when it ends, as by an orchestrator, and can be killed and stopped. */
export class SupervisedReplica {
  private condition: ReplicaState['state'] = 'running';
  private since = Date.now();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /**
   * @param startAgain starts the replica at the address it had
   * @param onChange called when its state changes
   */
  constructor(
    private current: Replica,
    private readonly startAgain: () => Promise<Replica>,
    private readonly onChange: () => void,
    private readonly delays: ReplicaDelays,
  ) {
    this.watch(current.process);
  }

  get name(): string {
    return this.current.name;
  }

  get state(): ReplicaState {
    const { name, condition, since } = this;
    return { name, pid: this.current.process.running ? this.current.process.pid : null, state: condition, since };
  }

  /** `kill -9`, so that it cannot release anything. Resolves when it has ended. */
  async kill(): Promise<string> {
    const { process } = this.current;
    if (!process.running || this.condition === 'starting') {
      throw new ControlError(409, `${this.name} is ${this.condition}: there is nothing to kill.`);
    }
    const { pid } = process;
    process.signal('SIGKILL');
    await process.untilExit();
    return `${this.name} (process ${String(pid)}) was killed, and will be restarted in ${seconds(this.delays.restartMs)}.`;
  }

  stop(): string {
    if (this.condition !== 'running') throw new ControlError(409, `${this.name} is ${this.condition}, not running.`);
    this.current.process.signal('SIGSTOP');
    this.turn('stopped');
    this.after(this.delays.continueMs, () => this.continue());
    return `${this.name} is stopped, and continues by itself after ${seconds(this.delays.continueMs)}.`;
  }

  continue(): string {
    if (this.condition !== 'stopped') throw new ControlError(409, `${this.name} is ${this.condition}, not stopped.`);
    clearTimeout(this.timer);
    this.current.process.signal('SIGCONT');
    this.turn('running');
    return `${this.name} continues.`;
  }

  /** Restarts it without the pause. */
  async start(): Promise<string> {
    if (this.condition !== 'killed') throw new ControlError(409, `${this.name} is ${this.condition}, not killed.`);
    if (await this.restart()) return `${this.name} was restarted.`;
    throw new ControlError(503, `${this.name} could not be started. Another attempt follows.`);
  }

  /** Ends the restarts. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private watch(process: ServerProcess): void {
    void process.untilExit().then(() => {
      if (this.current.process !== process || this.closed) return;
      this.turn('killed');
      this.restartLater();
    });
  }

  private restartLater(): void {
    this.after(this.delays.restartMs, () => void this.restart());
  }

  private async restart(): Promise<boolean> {
    clearTimeout(this.timer);
    if (this.closed) return false;
    this.turn('starting');
    try {
      this.current = await this.startAgain();
      this.turn('running');
      this.watch(this.current.process);
      return true;
    } catch (error) {
      if (this.isClosed()) return false;
      console.error(error instanceof Error ? error.message : error);
      this.turn('killed');
      this.restartLater();
      return false;
    }
  }

  private isClosed(): boolean {
    return this.closed;
  }

  private turn(condition: ReplicaState['state']): void {
    this.condition = condition;
    this.since = Date.now();
    this.onChange();
  }

  private after(ms: number, action: () => void): void {
    clearTimeout(this.timer);
    if (!this.closed) this.timer = setTimeout(action, ms);
  }
}

function seconds(ms: number): string {
  return `${String(ms / 1000)} s`;
}
