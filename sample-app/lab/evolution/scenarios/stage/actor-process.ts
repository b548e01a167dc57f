import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stopOnExit } from '../../../../services/cleanup.js';
import { endWithUs } from '../../../../services/dead-man-switch.js';
import type { Order, Report } from '../actor/actor-messages.js';

/** A process that runs callers, one after another. It ends with this process. */
export class ActorProcess {
  /** `report` for everything it tells, `gone` when it has ended. */
  readonly events = new EventEmitter();
  private errors = '';

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.on('data', (chunk: Buffer) => (this.errors = (this.errors + chunk.toString()).slice(-2_000)));
    child.on('message', (report: Report) => this.events.emit('report', report));
    child.on('error', () => undefined);
    const forget = stopOnExit({ stop: () => this.end(), stopNow: () => child.kill('SIGKILL') });
    const disarm = child.pid === undefined ? () => undefined : endWithUs(child.pid, 'SIGKILL');
    child.once('close', () => {
      forget();
      disarm();
      this.events.emit('gone');
    });
  }

  /** `programs`: the folder of the built sample. */
  static async start(programs: URL): Promise<ActorProcess> {
    const program = fileURLToPath(new URL('lab/evolution/scenarios/actor/main.js', programs));
    const child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
      // A separate process group: Ctrl-C in a terminal reaches only this process.
      detached: true,
    });
    const actor = new ActorProcess(child);
    await actor.next('ready');
    return actor;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  tell(order: Order): void {
    // The end of the process is detected where a report is awaited.
    if (this.running) this.child.send(order, () => undefined);
  }

  /** Resolves with the next report of that type. Rejects if the process ends or fails before. */
  next<Type extends Report['type']>(type: Type): Promise<Extract<Report, { type: Type }>> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.events.off('report', onReport);
        this.events.off('gone', onGone);
      };
      const onReport = (report: Report): void => {
        if (report.type !== type && report.type !== 'broken') return;
        settle();
        if (report.type === 'broken') reject(new Error(report.message));
        else resolve(report as Extract<Report, { type: Type }>);
      };
      const onGone = (): void => {
        settle();
        reject(new Error(`A caller's process ended before it was "${type}". ${this.errors}`));
      };
      this.events.on('report', onReport);
      this.events.on('gone', onGone);
      if (!this.running) onGone();
    });
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.running) this.child.kill(signal);
  }

  /** `kill -9`, and waits until the process has ended. */
  async end(): Promise<void> {
    if (!this.running) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}
