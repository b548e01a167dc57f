import { LockUnavailableError } from '../../errors/index.js';
import { now, type Instant } from '../../time/instant.js';
import type { ConnectionWatch } from './connection-watch.js';
import type { RedisArgument } from './redis-client.js';
import type { Script } from './script.js';
import { hasCode, isServerError, refused, unanswered } from './server-error.js';

export interface ScriptReply {
  readonly value: unknown;
  /** When the request was sent. */
  readonly sentAt: Instant;
  /** Whether the connection was cut meanwhile, so that ioredis may have sent the request twice. */
  readonly maybeResent: boolean;
}

/** Hears of an answer that comes after its request was given up. */
export interface LateAnswer {
  onGivenUp(): void;
  /** @param value `undefined` if there will be none, or only an error */
  onAnswered(value: unknown): void;
}

/** Runs scripts on one Redis, each within its time, and turns every failure into `LockUnavailableError`. */
export class ScriptCaller {
  /** How often a script was sent whole, since the server did not know it. */
  evals = 0;

  constructor(private readonly connection: ConnectionWatch) {}

  get cuts(): number {
    return this.connection.cuts;
  }

  async whenReady(timeoutMs: number): Promise<void> {
    if (!this.connection.ready) await this.connection.whenReady(timeoutMs);
  }

  /** Sends at once if the connection is ready. */
  async call(
    script: Script,
    keys: string[],
    args: RedisArgument[],
    timeoutMs: number,
    late?: LateAnswer,
  ): Promise<ScriptReply> {
    if (!this.connection.ready) await this.connection.whenReady(timeoutMs);
    const sentAt = now();
    const { cuts } = this.connection;
    const value = await this.withinTime(
      sentAt.mono,
      (inTime) => this.evaluate(script, keys, args, inTime),
      timeoutMs,
      late,
    );
    return { value, sentAt, maybeResent: cuts !== this.connection.cuts };
  }

  /**
   * How many replicas have acknowledged what was written on this connection so far; it waits until `count` have.
   *
   * @param waitMs how long the server waits for them
   */
  async waitForReplicas(count: number, waitMs: number, timeoutMs: number): Promise<number> {
    const { client } = this.connection;
    return Number(await this.withinTime(now().mono, () => client.call('wait', count, waitMs), timeoutMs));
  }

  /** Tries the right to EVAL, which is needed only now and then: while the server knows the scripts, nobody would notice. */
  async probeEval(timeoutMs: number): Promise<void> {
    await this.ask(() => this.connection.client.call('eval', 'return 1', 0), timeoutMs);
  }

  /** Any other request, under the same rules. */
  ask(send: () => Promise<unknown>, timeoutMs: number): Promise<unknown> {
    return this.withinTime(now().mono, send, timeoutMs);
  }

  private async evaluate(
    script: Script,
    keys: string[],
    args: RedisArgument[],
    inTime: () => boolean,
  ): Promise<unknown> {
    const { client } = this.connection;
    try {
      return await client.call('evalsha', script.sha1, keys.length, ...keys, ...args);
    } catch (error) {
      // After SCRIPT FLUSH, a restart or a failover the server does not know the script; EVAL teaches it again.
      // Not once the request was given up: EVAL would come after the release that cleans up behind it.
      if (!isServerError(error) || !hasCode(error, 'NOSCRIPT') || !inTime()) throw error;
      this.evals += 1;
      return await client.call('eval', script.source, keys.length, ...keys, ...args);
    }
  }

  /** An error that the server told of one request among several in a call. */
  refusal(error: Error, lockName: string | undefined): LockUnavailableError {
    this.connection.onRefused(error);
    return refused(error, lockName);
  }

  private withinTime(
    sentAt: number,
    send: (inTime: () => boolean) => Promise<unknown>,
    timeoutMs: number,
    late?: LateAnswer,
  ): Promise<unknown> {
    const { answers } = this.connection;
    return new Promise((resolve, reject) => {
      let open = true;
      let awaited: LateAnswer | undefined;
      const answerLate = (value: unknown): void => {
        this.connection.cutListeners.delete(onCut);
        awaited?.onAnswered(value);
        awaited = undefined;
      };
      const settle = (act: () => void): void => {
        if (!open) return;
        open = false;
        clearTimeout(timer);
        this.connection.cutListeners.delete(onCut);
        act();
      };
      const onCut = (): void => {
        settle(() => {
          reject(unanswered(new Error('connection closed')));
        });
        answerLate(undefined);
      };
      const timer = setTimeout(() => {
        this.connection.onUnanswered(sentAt, answers);
        const what = `Redis did not answer within ${String(timeoutMs)} ms.`;
        settle(() => {
          reject(new LockUnavailableError(what, undefined, { retryable: true, outcomeUnknown: true }));
        });
        if (late === undefined) return;
        late.onGivenUp();
        awaited = late;
        this.connection.cutListeners.add(onCut);
      }, timeoutMs);
      this.connection.cutListeners.add(onCut);
      send(() => open).then(
        (value) => {
          this.connection.answers += 1;
          settle(() => {
            resolve(value);
          });
          if (awaited !== undefined) answerLate(value);
        },
        (error: unknown) => {
          if (isServerError(error)) this.connection.answers += 1;
          else this.connection.onBroken();
          settle(() => {
            reject(isServerError(error) ? this.refusal(error, undefined) : unanswered(error));
          });
          if (awaited !== undefined) answerLate(undefined);
        },
      );
    });
  }
}
