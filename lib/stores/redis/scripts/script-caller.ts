import { inServiceContext } from '../../../context/service-context.js';
import type { LockUnavailableError } from '../../../errors/index.js';
import { callAtOnce, pipelines } from '../connection/call.js';
import { reconnectsOnUnknownScript } from '../connection/client-options.js';
import type { ConnectionWatch } from '../connection/connection-watch.js';
import { InFlightRequest, type Sender } from './in-flight-request.js';
import type { KeyMixing } from './key-mixing.js';
import type { RedisArgument } from '../connection/redis-client.js';
import type { Script } from '../lua/script.js';
import { hasCode, isServerError, refused } from '../connection/server-error.js';

/** The use of a late reply. */
interface LateReply {
  /** How long after it was sent, in ms. */
  readonly usefulMs: number;
  /** Called when the timeout is over. */
  onOverdue(error: LockUnavailableError): void;
}

/** Runs scripts on one Redis, each with a timeout, and converts every failure to `LockUnavailableError`. */
export class ScriptCaller {
  /**
   * How many requests were sent a second time, and so after later requests: with the full script, or separately for
   * each lock.
   */
  resends = 0;

  /**
   * Scripts whose next request contains the full script: the server did not know them, which was detected too late to
   * resend that request.
   */
  private readonly unknown = new Set<Script>();

  /** Whether each request contains its script, since the client hides the error of an unknown script. */
  private readonly whole: boolean;

  /** @param mixing which locks may share a call */
  constructor(
    private readonly connection: ConnectionWatch,
    readonly mixing: KeyMixing,
  ) {
    this.whole = reconnectsOnUnknownScript(connection.client);
  }

  get cuts(): number {
    return this.connection.cuts;
  }

  async whenReady(timeoutMs: number): Promise<void> {
    if (!this.connection.ready) await this.connection.whenReady(timeoutMs);
  }

  /**
   * Runs a script; at once if the connection is ready.
   *
   * @param args the arguments after the script's digest: the number of keys, the keys, the arguments
   */
  send(script: Script, args: RedisArgument[], timeoutMs: number, sender: Sender): void {
    if (this.connection.ready) {
      this.start(script, args, timeoutMs, sender);
      return;
    }
    this.connection.whenReady(timeoutMs).then(
      () => {
        this.start(script, args, timeoutMs, sender);
      },
      (error: unknown) => {
        sender.onFailure(error as LockUnavailableError);
      },
    );
  }

  /** Runs a script and resolves with its reply. */
  call(script: Script, keys: string[], args: RedisArgument[], timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const sender = senderOf(resolve, reject);
      inServiceContext(() => {
        this.send(script, [keys.length, ...keys, ...args], timeoutMs, sender);
      });
    });
  }

  /**
   * Waits until `count` replicas have acknowledged all earlier writes of this connection. Resolves with their number.
   *
   * @param waitMs how long the server waits for them
   */
  async waitForReplicas(count: number, waitMs: number, timeoutMs: number, late?: LateReply): Promise<number> {
    const { client } = this.connection;
    return Number(await this.ask(() => callAtOnce(client, 'wait', count, waitMs), timeoutMs, late));
  }

  /**
   * Tests the permission for EVAL. It is needed only when the server does not know a script, so a missing permission
   * would stay hidden.
   */
  async probeEval(keys: string[], timeoutMs: number): Promise<void> {
    await this.eval('return 1', keys, timeoutMs);
  }

  /** Runs a script once, with EVAL. */
  eval(source: string, keys: string[], timeoutMs: number): Promise<unknown> {
    return this.ask(() => callAtOnce(this.connection.client, 'eval', source, keys.length, ...keys), timeoutMs);
  }

  /** Sends any other request, with the same timeout and error handling. */
  ask(send: () => Promise<unknown>, timeoutMs: number, late?: LateReply): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const inFlight = new InFlightRequest(this.connection, timeoutMs, senderOf(resolve, reject, late));
      const answer = new Promise((begin) => {
        begin(inServiceContext(send));
      });
      answer.then(
        (value) => {
          inFlight.onReply(value);
        },
        (error: unknown) => {
          inFlight.onError(error);
        },
      );
    });
  }

  /** Converts the server's error for one of several requests in a call. */
  refusal(error: Error, lockName: string | undefined): LockUnavailableError {
    this.connection.onRefused(error);
    return refused(error, lockName);
  }

  private start(script: Script, args: RedisArgument[], timeoutMs: number, sender: Sender): void {
    const refusal = this.connection.refusal();
    if (refusal === null)
      this.evaluate(script, args, new InFlightRequest(this.connection, timeoutMs, sender), sender.asking);
    else sender.onFailure(refusal);
  }

  private evaluate(script: Script, args: RedisArgument[], inFlight: InFlightRequest, asking = false): void {
    const onReply = (value: unknown): void => {
      inFlight.onReply(value);
    };
    const onError = (error: unknown): void => {
      inFlight.onError(error);
    };
    // ASKING applies only to the next request, which therefore contains its script.
    if (asking) callAtOnce(this.connection.client, 'asking').catch(() => undefined);
    if (asking || this.whole || this.unknown.delete(script)) {
      this.request('eval', script.source, args).then(onReply, onError);
      return;
    }
    this.request('evalsha', script.sha1, args).then(onReply, (error: unknown) => {
      // After SCRIPT FLUSH, a restart or a failover the server does not know the script; EVAL loads it again.
      if (!isServerError(error) || !hasCode(error, 'NOSCRIPT')) {
        inFlight.onError(error);
        return;
      }
      // Not after the timeout: EVAL could arrive after the release that cleans up the request.
      if (!inFlight.open) {
        this.unknown.add(script);
        inFlight.onUnknownScript();
        return;
      }
      this.resends += 1;
      this.request('eval', script.source, args).then(onReply, onError);
    });
  }

  /** Never throws, even if a caller's client does. */
  private request(command: string, script: string, args: RedisArgument[]): Promise<unknown> {
    const { client } = this.connection;
    try {
      return pipelines(client) ? callAtOnce(client, command, script, ...args) : client.call(command, script, ...args);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function senderOf(onReply: Sender['onReply'], onFailure: Sender['onFailure'], late?: LateReply): Sender {
  return {
    usefulMs: late?.usefulMs ?? 0,
    onReply,
    onFailure,
    onOverdue: (error) => late?.onOverdue(error),
  };
}
