import { inServiceContext } from '../../context/service-context.js';
import { LockUnavailableError } from '../../errors/index.js';
import { monotonic } from '../../time/clock.js';
import type { NotificationSubscription, ReleaseReply, RenewReply, RenewRequest } from '../lock-store.js';
import type { StoredLock } from '../lock-state.js';
import type { HolderStore } from '../holder-store.js';
import { OverdueError } from '../overdue-error.js';
import type { Heartbeat } from '../redis/connection/heartbeat.js';
import type { RedisClient } from '../redis/connection/redis-client.js';
import { RedisStore } from '../redis/redis-store.js';
import { ScriptBatch } from '../redis/scripts/script-batch.js';
import { CleanUps } from '../clean-ups.js';
import type { Reporter } from '../../telemetry/reporter.js';
import { hasCode } from '../redis/connection/server-error.js';
import type { Marker } from './marker.js';
import { NodeHealth } from './node-health.js';
import { RestartGuard } from './restart-guard.js';
import { RoundTrips } from './round-trips.js';
import { NO_MARKER } from './lua/check-marker.lua.js';
import type { ServerNames } from './server-names.js';
import { confirmBatch, grantBatch, type ConfirmRequest, type GrantReply, type GrantRequest } from './vote-batches.js';

/**
 * One node of a quorum: its client, and a function that opens its connection for notifications. The store closes both.
 */
export interface QuorumNodeClient {
  /** The node's address, for messages; without a password. */
  readonly label: string;
  /** It neither queues requests while it is offline nor sends them again. */
  readonly client: RedisClient;
  readonly openSubscriber: () => RedisClient;
}

export interface QuorumMemberOptions {
  readonly keyPrefix: string;
  /** The longest time for one request, in ms; a short lease allows less. */
  readonly commandTimeout: number;
  /** How long a token is stored after its last use, in ms. */
  readonly tokenTtl: number;
  /** How long a node must have kept its state to vote, in ms; 0: it always votes. */
  readonly restartGuard: number;
  /** Assigns each server's vote to one of the configured names. */
  readonly names: ServerNames;
  /** Checks the connections for notifications of all nodes. */
  readonly heartbeat?: Heartbeat;
  /** Receives warnings about a server. */
  readonly reporter?: Reporter;
}

/**
 * One of several independent nodes. A request fails at once, so that the other nodes decide, if the node is not
 * connected or has stopped replying; a request that needs its vote also fails if the node may have lost its state.
 */
export class QuorumMember {
  readonly label: string;
  /** Whether it can be used. */
  readonly health: NodeHealth;
  /** Releases votes that this node may still store for an owner that is no longer used. */
  readonly cleanUps: CleanUps;
  private readonly store: RedisStore;
  private readonly guard: RestartGuard;
  private readonly grants: ScriptBatch<GrantRequest, GrantReply>;
  private readonly confirms: ScriptBatch<ConfirmRequest, boolean>;
  private readonly roundTrips = new RoundTrips();
  private stuck = false;

  constructor(
    private readonly node: QuorumNodeClient,
    private readonly options: QuorumMemberOptions,
  ) {
    const { keyPrefix, commandTimeout, tokenTtl, restartGuard } = options;
    const { client, openSubscriber, label } = node;
    this.label = label;
    this.store = new RedisStore({
      client,
      ownsClient: true,
      openSubscriber,
      keyPrefix,
      commandTimeout,
      tokenTtl,
      timeoutFor: (leaseMs) => this.timeoutFor(leaseMs),
      ...(options.heartbeat === undefined ? {} : { heartbeat: options.heartbeat }),
      ...(options.reporter === undefined ? {} : { reporter: options.reporter }),
    });
    client.on('close', this.onSpoke);
    client.on('ready', this.onReady);
    const { scripts, layout, abandoned } = this.store;
    this.guard = new RestartGuard({
      client,
      scripts,
      keyPrefix,
      guardMs: restartGuard,
      timeoutMs: commandTimeout,
      name: this,
      names: options.names,
      roundTrips: this.roundTrips,
      onChange: this.onChange,
    });
    this.health = new NodeHealth(label, this.store, this.guard, () => this.stuck, options.reporter);
    const marker = (): Marker => this.guard.marker;
    this.grants = new ScriptBatch(scripts, grantBatch(layout, tokenTtl, abandoned.inOrder, marker));
    this.confirms = new ScriptBatch(scripts, confirmBatch(layout, tokenTtl, abandoned.inOrder, marker));
    this.cleanUps = new CleanUps({ release: (name, owner, keepMs) => this.release(name, owner, keepMs, true) }, true);
  }

  /** The records of processes on this node. */
  get holders(): HolderStore {
    return this.store.holders;
  }

  /** How many votes are still being released in the background. */
  get unsettled(): number {
    return this.cleanUps.size + this.store.unsettled;
  }

  /** Requests the node's vote. */
  grant(request: GrantRequest): Promise<GrantReply> {
    return this.vote(() => this.grants.run(request, this.timeoutFor(request.leaseMs)));
  }

  /** Writes the last token if the owner holds the lock; resolves with `false` if it does not. */
  confirm(request: ConfirmRequest, leaseMs: number): Promise<boolean> {
    return this.vote(() => this.confirms.run(request, this.timeoutFor(leaseMs)));
  }

  renew(request: RenewRequest): Promise<RenewReply> {
    return this.vote(() => this.store.renew(request));
  }

  /** @param notify whether waiters are notified */
  release(name: string, owner: string, keepMs: number, notify: boolean): Promise<ReleaseReply> {
    return this.ask(() => this.store.release(name, owner, keepMs, notify));
  }

  inspect(name: string): Promise<StoredLock> {
    return this.vote(() => this.store.inspect(name));
  }

  forceRelease(name: string): Promise<boolean> {
    return this.ask(() => this.store.forceRelease(name));
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return this.store.subscribe(name, onNotification);
  }

  async close(): Promise<void> {
    this.health.close();
    await this.cleanUps.close();
    this.guard.dispose();
    this.node.client.off('close', this.onSpoke);
    this.node.client.off('ready', this.onReady);
    await this.store.close();
  }

  private timeoutFor(leaseMs: number): number {
    return this.roundTrips.timeoutFor(leaseMs, this.options.commandTimeout);
  }

  private vote<T>(request: () => Promise<T>): Promise<T> {
    // Without a connection, the missing connection is the reason to report, not the vote.
    const refusal = this.store.ready ? this.guard.refusal() : null;
    return refusal === null ? this.ask(request) : Promise.reject(refusal);
  }

  private async ask<T>(request: () => Promise<T>): Promise<T> {
    if (!this.store.ready) throw this.away('is not connected', this.store.trouble);
    // The connection is open, but the node does not reply: another request would only wait.
    if (this.stuck) throw this.away('has not answered for a while');
    const askedAt = monotonic();
    const answered = (): void => {
      this.roundTrips.note(monotonic() - askedAt);
    };
    try {
      const reply = await request();
      answered();
      return reply;
    } catch (error) {
      if (error instanceof OverdueError) error.reply.then(answered, () => undefined);
      if (error instanceof LockUnavailableError) this.onFailure(error);
      throw error;
    }
  }

  private onFailure({ cause, outcomeUnknown, retryable }: LockUnavailableError): void {
    if (outcomeUnknown) this.onSilence();
    else if (cause instanceof Error && hasCode(cause, NO_MARKER)) this.guard.onLost();
    else if (!retryable) this.health.onRefused();
  }

  /** Stops requests to a silent node until it answers a PING or has a new connection. */
  private onSilence(): void {
    if (this.stuck || !this.store.ready) return;
    this.stuck = true;
    this.health.look();
    inServiceContext(() => this.ping());
  }

  private ping(): void {
    this.node.client.call('ping').then(this.onSpoke, this.onSpoke);
  }

  /** Also called when the connection closes, since the client then drops the PING without a reply. */
  private readonly onSpoke = (): void => {
    this.stuck = false;
    this.onChange();
  };

  private readonly onReady = (): void => {
    this.health.onReady();
  };

  private readonly onChange = (): void => {
    this.health.look();
  };

  private away(what: string, cause?: Error): LockUnavailableError {
    const why = cause === undefined ? '' : ` (${cause.message || cause.name})`;
    return new LockUnavailableError(`The node ${this.label} ${what}${why}.`, undefined, {
      cause,
      retryable: true,
      outcomeUnknown: false,
    });
  }
}
