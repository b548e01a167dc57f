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

/** How a request makes use of a late reply. */
interface LateReply {
  /** For how long after it was sent, in ms. */
  readonly usefulMs: number;
  /** The timeout is over. */
  onOverdue(error: LockUnavailableError): void;
}

/** Runs scripts on one Redis, each within its time, and turns every failure into `LockUnavailableError`. */
export class ScriptCaller {
  /** How often a script was sent again behind what was sent meanwhile: whole, or for one lock of several. */
  resends = 0;

  /** Scripts that the server was found not to know too late to send them whole. */
  private readonly unknown = new Set<Script>();

  /** Whether each request contains its script, since the client does not pass on that a server does not know it. */
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
   * @param args what follows the script's digest: the number of keys, the keys, the arguments
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

  /** Runs a script and resolves with what it answers. */
  call(script: Script, keys: string[], args: RedisArgument[], timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const sender = senderOf(resolve, reject);
      inServiceContext(() => {
        this.send(script, [keys.length, ...keys, ...args], timeoutMs, sender);
      });
    });
  }

  /**
   * How many replicas have acknowledged what was written on this connection so far; it waits until `count` have.
   *
   * @param waitMs how long the server waits for them
   */
  async waitForReplicas(count: number, waitMs: number, timeoutMs: number, late?: LateReply): Promise<number> {
    const { client } = this.connection;
    return Number(await this.ask(() => callAtOnce(client, 'wait', count, waitMs), timeoutMs, late));
  }

  /**
   * Tests the permission for EVAL, which is needed only now and then: while the server knows the scripts, a missing one
   * shows nowhere.
   */
  async probeEval(keys: string[], timeoutMs: number): Promise<void> {
    await this.eval('return 1', keys, timeoutMs);
  }

  /** Runs a script that the server need not remember. */
  eval(source: string, keys: string[], timeoutMs: number): Promise<unknown> {
    return this.ask(() => callAtOnce(this.connection.client, 'eval', source, keys.length, ...keys), timeoutMs);
  }

  /** Any other request, under the same rules. */
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

  /** An error that the server told of one request among several in a call. */
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
    // ASKING applies to one request only, so this one contains its script.
    if (asking) callAtOnce(this.connection.client, 'asking').catch(() => undefined);
    if (asking || this.whole || this.unknown.delete(script)) {
      this.request('eval', script.source, args).then(onReply, onError);
      return;
    }
    this.request('evalsha', script.sha1, args).then(onReply, (error: unknown) => {
      // After SCRIPT FLUSH, a restart or a failover the server does not know the script; EVAL teaches it again.
      if (!isServerError(error) || !hasCode(error, 'NOSCRIPT')) {
        inFlight.onError(error);
        return;
      }
      // Not once the request is overdue: EVAL could come after the release that cleans up behind it.
      if (!inFlight.open) {
        this.unknown.add(script);
        inFlight.onUnknownScript();
        return;
      }
      this.resends += 1;
      this.request('eval', script.source, args).then(onReply, onError);
    });
  }

  /** Never throws, whatever a caller's client does. */
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
