import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { stopOnExit, type Stoppable } from './cleanup.js';
import { endWithUs } from './dead-man-switch.js';

export interface ServerProcessOptions {
  /** What to call it in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /**
   * How it says that it accepts connections: by a line of its output, or `'ipc'`: by a message `{ listening: URL }` of
   * a Node program. A line of a log depends on the log level.
   */
  readonly ready: RegExp | 'ipc';
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Ends it in order. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Ends it at once. Default SIGKILL. */
  readonly killSignal?: NodeJS.Signals;
  /** Every line it writes. */
  readonly onLine?: (line: string) => void;
}

const startLimitMs = 60_000;
const stopLimitMs = 15_000;
const keptLines = 30;

/** A server as a child process, from its "ready" line until its end, which is at the latest the end of this process. */
export class ServerProcess implements Stoppable {
  /** The line, or the URL, that said it was ready. */
  readyLine = '';
  private readonly lastLines: string[] = [];
  private readonly exited: Promise<unknown>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: ServerProcessOptions,
  ) {
    this.exited = once(child, 'close');
    // A failed spawn is reported by `start`; without this it would be an unhandled rejection here.
    this.exited.catch(() => undefined);
  }

  /** Starts the process and waits until it is ready. Throws with its last lines when it ends before that. */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const { command, args, env, cwd, uid, gid } = options;
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...(options.ready === 'ipc' ? (['ipc'] as const) : [])],
      env: env ?? process.env,
      // A separate process group: Ctrl-C in a terminal then reaches only this process, which stops its servers in
      // order.
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    const server = new ServerProcess(child, options);
    // Before it is ready: a Ctrl-C may come while it starts.
    child.once('close', stopOnExit(server));
    if (child.pid !== undefined) child.once('exit', endWithUs(child.pid, options.killSignal ?? 'SIGKILL'));
    await server.untilReady();
    return server;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.options.name} was never started.`);
    return this.child.pid;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) process.kill(this.pid, signal);
  }

  /** Resolves when the process is gone. */
  async untilExit(): Promise<void> {
    await this.exited;
  }

  /** Stops it gracefully, or by force if that takes too long. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.signal(this.options.stopSignal ?? 'SIGTERM');
    // A stopped process (SIGSTOP) would never see the signal above.
    this.signal('SIGCONT');
    const force = setTimeout(() => {
      this.signal('SIGKILL');
    }, stopLimitMs);
    await this.exited;
    clearTimeout(force);
  }

  stopNow(): void {
    try {
      this.signal(this.options.killSignal ?? 'SIGKILL');
    } catch {
      // It ended by itself a moment ago.
    }
  }

  private untilReady(): Promise<void> {
    const { name, ready, onLine } = this.options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.stopNow();
        reject(this.failure(`${name} was not ready after ${String(startLimitMs / 1000)} s`));
      }, startLimitMs);
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      };
      for (const output of [this.child.stdout, this.child.stderr]) {
        if (!output) continue;
        createInterface({ input: output }).on('line', (line) => {
          this.lastLines.push(line);
          if (this.lastLines.length > keptLines) this.lastLines.shift();
          onLine?.(line);
          if (ready === 'ipc' || this.readyLine !== '' || !ready.test(line)) return;
          this.readyLine = line;
          settle();
        });
      }
      this.child.on('message', (message) => {
        const url = listeningUrl(message);
        if (this.readyLine !== '' || url === undefined) return;
        this.readyLine = url;
        settle();
      });
      this.child.once('error', (error) => {
        settle(new Error(`${name} could not be started: ${error.message}`, { cause: error }));
      });
      this.child.once('close', (code, signal) => {
        settle(this.failure(`${name} ended (${signal ?? `exit code ${String(code)}`}) before it was ready`));
      });
    });
  }

  private failure(what: string): Error {
    return new Error(`${what}. Its last lines:\n${this.lastLines.join('\n')}`);
  }
}

function listeningUrl(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null || !('listening' in message)) return undefined;
  return typeof message.listening === 'string' ? message.listening : undefined;
}
