import { inServiceContext } from '../../../context/service-context.js';
import { LockUnavailableError } from '../../../errors/index.js';
import { monotonic } from '../../../time/clock.js';
import { Deadlines, type Deadline } from '../../../time/deadlines.js';
import { RunningTimer } from '../../../time/running-timer.js';
import { Timer } from '../../../time/timer.js';
import type { ClientDatabase } from './client-database.js';
import { allowListeners, type RedisClient } from './redis-client.js';
import { hasCode, isOfReplica, USE_CLUSTER, withoutArguments } from './server-error.js';
import { SilenceWatch, type SilentConnection } from './silence-watch.js';
import { closedByPeer, expectErrors, resetSocket, socketOf } from './socket.js';

/** A request in flight. `final`: no reply can arrive any more. */
type Cuttable = Deadline & { onCut(final: boolean): void };

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * One service has at most this many listeners for one event of a client: that of this class and that of the key probe.
 */
const LISTENERS = 2;
const DROP_PAUSE_MS = 500;
/** How long requests on a connection that the peer closed may still be in transit, through a proxy, in ms. */
export const LATE_ARRIVAL_MS = 1_000;
/** The same for a connection that this process closed, since a proxy or a network may hold requests back, in ms. */
export const MAX_LATE_ARRIVAL_MS = 60_000;
/** The pause before a connection is opened again after ioredis has stopped reconnecting, in ms. */
const REVIVAL_PAUSE_MS = 200;

/**
 * Tracks the state of one client. Requests are sent only while the client is ready, since ioredis queues requests while
 * it is offline and would send them when their callers no longer wait.
 */
export class ConnectionWatch implements SilentConnection {
  /** How often the connection was closed. If this changes during a request, the request may have been sent twice. */
  cuts = 0;

  /** The requests in flight, each due when its timeout is over, or when a late reply cannot be used any more. */
  readonly inFlightRequests = new Deadlines<Cuttable>({ afterInput: true });

  /** Requests whose timeout is over and whose replies have not arrived. */
  readonly overdue = new Set<Cuttable>();

  /** How long requests of the last closed connection may still be executed, in ms. */
  lateArrivalMs = 0;

  /** Whether the service is closed. */
  disposed = false;

  /** How many replies of any kind this client has received. */
  answers = 0;

  private readonly waiters = new Set<Waiter>();
  private readonly silence: SilenceWatch;
  private socket: ReturnType<typeof socketOf>;
  private connectedAt = 0;
  private droppedAt = -Infinity;
  private lastError: Error | undefined;
  private readonly revival = new Timer(() => {
    if (this.client.status === 'end') this.connect();
  });

  /**
   * @param onDrop runs when the connection is closed because its server is silent or no longer the master
   * @param database the database for requests, if the client may select another one
   */
  constructor(
    readonly client: RedisClient,
    private readonly ownsClient: boolean,
    commandTimeout: number,
    private readonly onDrop: () => void = () => undefined,
    private readonly database: ClientDatabase | null = null,
  ) {
    this.silence = new SilenceWatch(this, commandTimeout);
    this.socket = socketOf(client);
    allowListeners(client, LISTENERS);
    client.on('connect', this.onConnect);
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    // Not on a caller's client: an error listener would suppress the report that ioredis prints if there is none.
    if (!ownsClient) return;
    client.on('error', this.onError);
    client.on('end', this.onEnd);
  }

  get ready(): boolean {
    return this.client.status === 'ready';
  }

  /** The last error of the client while it is not ready. */
  get trouble(): Error | undefined {
    return this.lastError;
  }

  /** Resolves once the client is ready; rejects with `LockUnavailableError` after `timeoutMs`. */
  async whenReady(timeoutMs: number): Promise<void> {
    if (this.disposed) throw this.unreachable(0);
    if (this.ready) return;
    if (this.client.status === 'wait') this.connect();
    await new Promise<void>((resolve, reject) => {
      const timer = new RunningTimer(timeoutMs, () => {
        if (this.client.status === 'connect') this.onSlowHandshake(monotonic() - this.connectedAt);
        waiter.reject(this.unreachable(timeoutMs));
      });
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

  get awaitsAnswer(): boolean {
    return this.overdue.size > 0 || this.client.status === 'connect';
  }

  /** Called when a request got a reply of any kind. */
  onAnswered(): void {
    this.answers += 1;
  }

  /**
   * Called when a request got no reply within its timeout.
   *
   * @param answers the value of `answers` when it was sent
   */
  onOverdue(request: Cuttable, timeoutMs: number, answers: number): void {
    this.overdue.add(request);
    if (this.ownsClient && !this.disposed) this.silence.begin(answers === this.answers ? timeoutMs : 0);
  }

  /** Called when the server has accepted the connection, but has not replied on it for `silentMs`. */
  onSlowHandshake(silentMs: number): void {
    if (this.ownsClient && !this.disposed) this.silence.begin(silentMs);
  }

  /** Replaces a silent connection, since Sentinel may return another server by now. No request is sent again. */
  giveUp(): void {
    this.drop();
  }

  /**
   * Called when the server refused a request. If it is a replica, the connection is replaced to find the master. A
   * caller's client decides this by its `reconnectOnError`, which ioredis does not call for an error inside a script.
   */
  onRefused(error: Error): void {
    if (!isOfReplica(error)) return;
    const { options } = this.client;
    if (this.ownsClient || Boolean(options?.reconnectOnError?.(error))) this.drop();
  }

  /** The reason why requests are refused although the client is ready; `null` if they are not. */
  refusal(): LockUnavailableError | null {
    return this.database === null ? null : this.database.refusal();
  }

  /** Advice for the message of a refused request. */
  adviceOn(error: Error): string {
    return hasCode(error, 'MOVED') ? ` ${USE_CLUSTER}` : '';
  }

  /** Called when a request failed because of its connection. */
  onBroken(): void {
    return;
  }

  private connect(): void {
    inServiceContext(() => this.client.connect()).catch(this.onError);
  }

  private drop(): void {
    const now = monotonic();
    // Requests that were in flight together fail together: the connection is replaced only once.
    if (now - this.droppedAt < DROP_PAUSE_MS || !['ready', 'connect'].includes(this.client.status)) return;
    this.droppedAt = now;
    expectErrors(this.client);
    // Not on a caller's client, which may have the caller's own requests in flight.
    if (this.ownsClient) resetSocket(this.client);
    this.client.disconnect(true);
    this.onDrop();
  }

  /** Removes the listeners, and rejects calls that still wait. */
  dispose(): void {
    this.disposed = true;
    this.silence.stop();
    // Overdue requests end now, since their late replies are not needed any more; other requests end with their
    // timeout.
    for (const inFlight of [...this.overdue]) inFlight.onCut(true);
    this.inFlightRequests.rest();
    // The error listener of the service's own client stays, since that client may emit errors while it closes.
    this.client.off('connect', this.onConnect);
    this.client.off('ready', this.onReady);
    this.client.off('close', this.onClose);
    this.client.off('end', this.onEnd);
    allowListeners(this.client, -LISTENERS);
    this.revival.stop();
    if (this.ownsClient) expectErrors(this.client);
    for (const waiter of [...this.waiters]) waiter.reject(this.unreachable(0));
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
    this.connectedAt = monotonic();
    this.socket = socketOf(this.client);
  };

  private readonly onReady = (): void => {
    this.lastError = undefined;
    this.silence.stop(true);
    for (const waiter of [...this.waiters]) waiter.resolve();
  };

  private readonly onClose = (): void => {
    this.cuts += 1;
    this.silence.stop();
    this.lateArrivalMs = closedByPeer(this.socket) ? LATE_ARRIVAL_MS : MAX_LATE_ARRIVAL_MS;
    // The service's own client does not resend requests, so no reply can arrive; a caller's client may resend them.
    for (const inFlight of new Set([...this.inFlightRequests.entries(), ...this.overdue]))
      inFlight.onCut(this.ownsClient);
    this.inFlightRequests.rest();
  };

  /**
   * ioredis stops reconnecting for good if it cannot start to connect, for example if no Sentinel reports a master. The
   * service's own connection must last as long as the service.
   */
  private readonly onEnd = (): void => {
    this.revival.start(REVIVAL_PAUSE_MS);
  };

  private readonly onError = (error: unknown): void => {
    expectErrors(this.client);
    this.lastError = error instanceof Error ? withoutArguments(error) : new Error(String(error));
  };
}
