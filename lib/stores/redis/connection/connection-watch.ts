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

/** A request in flight. `final`: no reply can come any more. */
type Cuttable = Deadline & { onCut(final: boolean): void };

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** At most so many listeners of one service on a client are for one event: this class's own and that of the key probe. */
const LISTENERS = 2;
const DROP_PAUSE_MS = 500;
/** How long requests of a connection that the other side closed may still be on their way, through a proxy, in ms. */
export const LATE_ARRIVAL_MS = 1_000;
/** How long at most after we gave a connection up ourselves: a proxy or a network may keep them, in ms. */
export const MAX_LATE_ARRIVAL_MS = 60_000;
/** The pause before a connection that was given up is opened again, in ms. */
const REVIVAL_PAUSE_MS = 200;

/**
 * Follows the state of one client. Requests are only sent while the client is ready, since ioredis parks what it gets
 * while it is offline and would send it later, when the caller has long given up.
 */
export class ConnectionWatch implements SilentConnection {
  /** How often the connection was cut. If it changed during a request, the request may have been sent twice. */
  cuts = 0;

  /** The requests in flight, each due when its timeout, or its use, is over. */
  readonly inFlightRequests = new Deadlines<Cuttable>();

  /** Requests whose timeout is over and whose replies have not come. */
  readonly overdue = new Set<Cuttable>();

  /** How long requests of the connection that was closed last may still be carried out, in ms. */
  lateArrivalMs = 0;

  /** Whether the service is closed. */
  disposed = false;

  /** How many requests were answered on this client, with whatever. */
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
   * @param onDrop the connection is given up, since its server is silent or no longer the master
   * @param database the database that requests are meant for, where the client may be moved to another one
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
    // A listener of ours would silence the report that ioredis makes of errors without a listener. On a caller's client
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

  /** A request was answered, with whatever. */
  onAnswered(): void {
    this.answers += 1;
  }

  /**
   * A request got no reply within its timeout.
   *
   * @param answers how many answers there had been when it was sent
   */
  onOverdue(request: Cuttable, timeoutMs: number, answers: number): void {
    this.overdue.add(request);
    if (this.ownsClient && !this.disposed) this.silence.begin(answers === this.answers ? timeoutMs : 0);
  }

  /** The server has accepted the connection, but not answered on it for `silentMs`. */
  onSlowHandshake(silentMs: number): void {
    if (this.ownsClient && !this.disposed) this.silence.begin(silentMs);
  }

  /** The connection is silent: another is made, and Sentinel may know of another server by now. Nothing is sent again. */
  giveUp(): void {
    this.drop();
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

  /** Why no request may be sent though the client is ready; `null` if it may. */
  refusal(): LockUnavailableError | null {
    return this.database === null ? null : this.database.refusal();
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
    inServiceContext(() => this.client.connect()).catch(this.onError);
  }

  private drop(): void {
    const now = monotonic();
    // Requests that were under way together fail together: once is enough.
    if (now - this.droppedAt < DROP_PAUSE_MS || !['ready', 'connect'].includes(this.client.status)) return;
    this.droppedAt = now;
    expectErrors(this.client);
    // A client of the caller decides itself what becomes of its requests.
    if (this.ownsClient) resetSocket(this.client);
    this.client.disconnect(true);
    this.onDrop();
  }

  /** Stops listening, and rejects what still waits. */
  dispose(): void {
    this.disposed = true;
    this.silence.stop();
    // Late replies are of no use any more; the other requests end with their timeout.
    for (const inFlight of [...this.overdue]) inFlight.onCut(true);
    this.inFlightRequests.rest();
    this.client.off('connect', this.onConnect);
    this.client.off('ready', this.onReady);
    this.client.off('close', this.onClose);
    this.client.off('end', this.onEnd);
    allowListeners(this.client, -LISTENERS);
    this.revival.stop();
    if (this.ownsClient) expectErrors(this.client);
    // An own client keeps its error listener: it may report once more while it goes down.
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
    // Our own client does not send a request again, so no answer will come; a caller's client may do so.
    for (const inFlight of new Set([...this.inFlightRequests.entries(), ...this.overdue]))
      inFlight.onCut(this.ownsClient);
    this.inFlightRequests.rest();
  };

  /**
   * ioredis gives up for good where it could not so much as begin to connect: when no Sentinel names a master just then. A
   * connection of ours lives as long as its service.
   */
  private readonly onEnd = (): void => {
    this.revival.start(REVIVAL_PAUSE_MS);
  };

  private readonly onError = (error: unknown): void => {
    expectErrors(this.client);
    this.lastError = error instanceof Error ? withoutArguments(error) : new Error(String(error));
  };
}
