import { EventEmitter } from 'node:events';
import { inServiceContext } from '../../context/service-context.js';
import { LockUnavailableError } from '../../errors/index.js';
import { Deadlines, type Deadline } from '../../time/deadlines.js';
import { Timer } from '../../time/timer.js';
import type { RedisClient } from './redis-client.js';
import { hasCode, isOfReplica, USE_CLUSTER, withoutArguments } from './server-error.js';

/** A request that a cut leaves without an answer. */
type Cuttable = Deadline & { onCut(): void };

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** How long a connection may be silent at least before it is given up, in ms. */
const MIN_SILENCE_MS = 2_000;
const DROP_PAUSE_MS = 500;
/** How long after it was given up a connection is made anew, in ms. */
const REVIVAL_PAUSE_MS = 200;

/**
 * Follows the state of one client. Requests are only sent while the client is ready, since ioredis parks what it gets
 * while it is offline and would send it later, when the caller has long given up.
 */
export class ConnectionWatch {
  /** How often the connection was cut. If it changed during a request, the request may have been sent twice. */
  cuts = 0;

  /** The requests under way, each due when it is given up. */
  readonly flights = new Deadlines<Cuttable>();

  /** Requests that were given up, but whose answers still matter. */
  readonly awaited = new Set<Cuttable>();

  /** How many requests were answered on this client, with whatever. */
  answers = 0;

  private readonly waiters = new Set<Waiter>();
  private readonly silenceLimitMs: number;
  private silence = { since: 0, answers: -1 };
  private connectedAt = 0;
  private droppedAt = -Infinity;
  private lastError: Error | undefined;
  private readonly revival = new Timer(() => {
    if (this.client.status === 'end') this.connect();
  });

  /** @param onDrop the connection is given up, since its server is silent or no longer the master */
  constructor(
    readonly client: RedisClient,
    private readonly ownsClient: boolean,
    commandTimeout: number,
    private readonly onDrop: () => void = () => undefined,
  ) {
    this.silenceLimitMs = Math.max(MIN_SILENCE_MS, 2 * commandTimeout);
    client.on('connect', this.onConnect);
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    // A listener of ours would silence the report that ioredis makes of errors nobody listens to. On a caller's client
    // that is the caller's business.
    if (!ownsClient) return;
    client.on('error', this.onError);
    client.on('end', this.onEnd);
  }

  get ready(): boolean {
    return this.client.status === 'ready';
  }

  /** Why the client is not ready, as far as it has said so. */
  get trouble(): Error | undefined {
    return this.lastError;
  }

  /** Resolves once the client is ready; rejects with `LockUnavailableError` after `timeoutMs`. */
  async whenReady(timeoutMs: number): Promise<void> {
    if (this.ready) return;
    if (this.client.status === 'wait') this.connect();
    await new Promise<void>((resolve, reject) => {
      const timer = new Timer(() => {
        if (this.client.status === 'connect') this.onUnanswered(this.connectedAt, this.answers);
        waiter.reject(this.unreachable(timeoutMs));
      }).start(timeoutMs);
      const waiter: Waiter = {
        resolve: () => {
          timer.stop();
          this.waiters.delete(waiter);
          resolve();
        },
        reject: (error) => {
          timer.stop();
          this.waiters.delete(waiter);
          reject(error);
        },
      };
      this.waiters.add(waiter);
    });
  }

  /**
   * A request got no answer in its time. When nothing at all was heard for long, a connection of ours is made anew: the
   * server may be stopped or cut off, and Sentinel may know of another by now. Nothing is sent again.
   *
   * @param sentAt when the request was sent, on the monotonic clock
   * @param answers how many answers there had been then
   */
  onUnanswered(sentAt: number, answers: number): void {
    if (!this.ownsClient || answers !== this.answers) return;
    if (this.silence.answers !== answers) this.silence = { since: sentAt, answers };
    if (performance.now() - this.silence.since >= this.silenceLimitMs) this.drop();
  }

  /**
   * The server refused. A replica in the place of the master is left, so that the master is looked for. A caller's client
   * is asked first, as ioredis does it: an error inside a script does not reach its `reconnectOnError` by itself.
   */
  onRefused(error: Error): void {
    if (!isOfReplica(error)) return;
    const { options } = this.client;
    if (this.ownsClient || Boolean(options?.reconnectOnError?.(error))) this.drop();
  }

  /** What to change where the server refused, for the message. */
  adviceOn(error: Error): string {
    return hasCode(error, 'MOVED') ? ` ${USE_CLUSTER}` : '';
  }

  /** A request failed on its way. */
  onBroken(): void {
    return;
  }

  private connect(): void {
    inServiceContext(this.client.connect, this.client).catch(this.onError);
  }

  private drop(): void {
    const now = performance.now();
    // Requests that were under way together fail together: once is enough.
    if (now - this.droppedAt < DROP_PAUSE_MS || !['ready', 'connect'].includes(this.client.status)) return;
    this.droppedAt = now;
    this.silence = { since: 0, answers: -1 };
    this.expectErrors();
    this.client.disconnect(true);
    this.onDrop();
  }

  /** Stops listening; whoever still waits is refused. */
  dispose(): void {
    this.flights.rest();
    this.client.off('connect', this.onConnect);
    this.client.off('ready', this.onReady);
    this.client.off('close', this.onClose);
    this.client.off('end', this.onEnd);
    this.revival.stop();
    if (this.ownsClient) this.expectErrors();
    // An own client keeps its error listener: it may report once more while it goes down.
    for (const waiter of [...this.waiters]) waiter.reject(this.unreachable(0));
  }

  /**
   * A TLS handshake that is broken off may fail more than once. ioredis listens for one error of a socket; the next would
   * end the process.
   */
  private expectErrors(): void {
    const stream: unknown = Reflect.get(this.client, 'stream');
    if (stream instanceof EventEmitter) stream.on('error', () => undefined);
  }

  private unreachable(timeoutMs: number): LockUnavailableError {
    const state = `the connection is "${this.client.status}"`;
    const seen = this.lastError === undefined ? '' : `; last error: ${this.lastError.message || this.lastError.name}`;
    return new LockUnavailableError(
      `Redis was not reachable within ${String(timeoutMs)} ms (${state}${seen}).`,
      undefined,
      {
        cause: this.lastError,
        retryable: true,
        outcomeUnknown: false,
      },
    );
  }

  private readonly onConnect = (): void => {
    this.connectedAt = performance.now();
  };

  private readonly onReady = (): void => {
    this.lastError = undefined;
    for (const waiter of [...this.waiters]) waiter.resolve();
  };

  private readonly onClose = (): void => {
    this.cuts += 1;
    // Our own client does not send a request again, so no answer will come; a caller's client may do so.
    if (this.ownsClient) for (const flight of [...this.flights.entries(), ...this.awaited]) flight.onCut();
    this.flights.rest();
  };

  /**
   * ioredis gives up for good where it could not so much as begin to connect: when no Sentinel names a master just then. A
   * connection of ours lives as long as its service.
   */
  private readonly onEnd = (): void => {
    this.revival.start(REVIVAL_PAUSE_MS);
  };

  private readonly onError = (error: unknown): void => {
    this.expectErrors();
    this.lastError = error instanceof Error ? withoutArguments(error) : new Error(String(error));
  };
}
