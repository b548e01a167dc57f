import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** One line of a child's stdout. `type` says what it is about, the rest is up to the script. */
export type ChildMessage = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

interface Waiter {
  readonly type: string;
  readonly resolve: (message: ChildMessage) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A process of its own that runs a plain `.mjs` script below `test/`, which imports the built `nestjs-redis-lock`. It
 * says what happens by JSON lines on stdout and is told what to do by JSON lines on stdin.
 */
export class ChildScript implements AsyncDisposable {
  /** All it has said so far. */
  readonly messages: ChildMessage[] = [];
  readonly exited: Promise<ChildExit>;
  private unread: ChildMessage[] = [];
  private waiters: Waiter[] = [];
  private stderr = '';
  private gone: ChildExit | undefined;

  private constructor(
    private readonly script: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    // Writing to a child that has just ended is an error of the stream; what counts is how the child ended.
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => this.hear(line));
    this.exited = once(child, 'close').then(([code, signal]) => this.end(code, signal));
  }

  /** `script` is a path below `test/`, for instance `hazards/children/holder.mjs`. */
  static start(script: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ChildScript {
    const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
    const child = spawn(process.execPath, [path, ...args], { env: { ...process.env, NODE_OPTIONS: '', ...env } });
    return new ChildScript(script, child);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** The next message of this type that was not asked for before. Rejects when the script ends without it. */
  next(type: string): Promise<ChildMessage> {
    const index = this.unread.findIndex((message) => message.type === type);
    if (index >= 0) return Promise.resolve(this.unread.splice(index, 1)[0]!);
    return new Promise((resolve, reject) => {
      if (this.gone) reject(this.endedWithout(type));
      else this.waiters.push({ type, resolve, reject });
    });
  }

  send(message: ChildMessage): void {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** Tells the script that nothing more will be sent. */
  endInput(): void {
    this.child.stdin.end();
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ChildExit> {
    this.child.kill(signal);
    return this.exited;
  }

  /** SIGSTOP: a pause as a stopped virtual machine or a long garbage collection makes it. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL');
  }

  private hear(line: string): void {
    let message: ChildMessage;
    try {
      message = JSON.parse(line) as ChildMessage;
    } catch {
      // Anything else it prints is for a person who reads the failure.
      this.stderr += `${line}\n`;
      return;
    }
    this.messages.push(message);
    const waiter = this.waiters.find(({ type }) => type === message.type);
    if (!waiter) {
      this.unread.push(message);
      return;
    }
    this.waiters = this.waiters.filter((other) => other !== waiter);
    waiter.resolve(message);
  }

  private end(code: number | null, signal: NodeJS.Signals | null): ChildExit {
    this.gone = { code, signal, stderr: this.stderr };
    for (const waiter of this.waiters) waiter.reject(this.endedWithout(waiter.type));
    this.waiters = [];
    return this.gone;
  }

  private endedWithout(type: string): Error {
    const how = this.gone?.signal ?? `exit code ${this.gone?.code}`;
    return new Error(`${this.script} ended (${how}) without saying "${type}".\n${this.stderr}`);
  }
}
