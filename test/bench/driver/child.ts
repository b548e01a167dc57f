import { fork, type ChildProcess, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import { ending, stopOnExit, type Stoppable } from '../../../sample-app/services/cleanup.js';

/** For starting, opening and closing: Node, its packages and a connection. */
export const LIMIT_MS = 30_000;

/** A process of the bench, which answers one message after another. */
export abstract class Child<Answer> implements Stoppable {
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  protected constructor(script: string, execArgv: readonly string[]) {
    ending.throwIfAborted();
    this.child = fork(script, [], {
      execArgv: [...execArgv],
      serialization: 'advanced',
      // What libraries print is not the bench's output.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    this.exited = once(this.child, 'exit');
    this.exited.catch(() => undefined);
    this.child.once('exit', stopOnExit(this));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Ends it after it has closed its client. */
  abstract stop(): Promise<void>;

  async kill(): Promise<void> {
    this.stopNow();
    await this.exited;
  }

  stopNow(): void {
    this.child.kill('SIGKILL');
  }

  /**
   * Its next answer, to a message or of its own accord.
   *
   * @throws Error if it does not answer in time, or ends
   */
  protected exchange(message: Serializable | undefined, limitMs: number): Promise<Answer> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        child.off('message', onMessage).off('exit', onEnd);
      };
      const onMessage = (answer: Answer): void => {
        settle();
        resolve(answer);
      };
      const onEnd = (): void => {
        settle();
        const { signalCode, exitCode } = child;
        reject(new Error(`its process ended (${signalCode ?? `exit code ${String(exitCode)}`})`));
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`it did not answer within ${Math.round(limitMs / 1_000)} s and was cut off`));
      }, limitMs);
      child.on('message', onMessage).on('exit', onEnd);
      if (message === undefined) return;
      // It may have ended a moment ago, before anything listened.
      child.send(message, (error) => {
        if (error !== null) onEnd();
      });
    });
  }
}
