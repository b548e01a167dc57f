import { LockUnavailableError } from '../../errors/index.js';
import { monotonic } from '../../time/clock.js';
import { Timer } from '../../time/timer.js';
import type { AcquireReply, LockStore, NotificationSubscription, ReleaseReply, RenewReply } from '../lock-store.js';
import type { LockState, StoreNode } from '../lock-state.js';
import { CleanUps } from '../clean-ups.js';
import type { Reporter } from '../../telemetry/reporter.js';
import { AckedWrites } from './replication/acked-writes.js';
import { isClusterClient } from './connection/cluster-client.js';
import { callAtOnce } from './connection/call.js';
import { checkDatabase } from './connection/client-database.js';
import type { ConnectionWatch } from './connection/connection-watch.js';
import type { Heartbeat } from './connection/heartbeat.js';
import { KeyLayout, TOKEN_PREFIX } from './scripts/key-layout.js';
import { KeyProbe } from './key-probe.js';
import { NotificationSubscriber } from './notifications/notification-subscriber.js';
import type { RedisArgument, RedisClient } from './connection/redis-client.js';
import {
  acquireBatch,
  releaseBatch,
  renewBatch,
  type AcquireRequest,
  type ReleaseRequest,
  type RenewRequest,
} from './scripts/lock-batches.js';
import { ScriptBatch } from './scripts/script-batch.js';
import { ScriptCaller } from './scripts/script-caller.js';
import { warnOfEviction } from './connection/eviction-warning.js';
import {
  FORCE_RELEASE_SCRIPT,
  INSPECT_SCRIPT,
  PROBE_PUBLISH_SCRIPT,
  SHARDED_FORCE_RELEASE_SCRIPT,
} from './lua/index.js';
import type { Script } from './lua/script.js';
import { RedisFirings } from './redis-firings.js';
import { startUp, type StartingStore } from './start-up.js';
import { AbandonedAcquires } from './scripts/abandoned-acquires.js';
import { topologyOf } from './open-topology.js';
import type { TestPlace, Topology } from './topology.js';

export interface RedisStoreOptions {
  readonly client: RedisClient;
  /** Whether the store created the client and closes it. */
  readonly ownsClient: boolean;
  /** Opens the connection for notifications. */
  readonly openSubscriber: () => RedisClient;
  readonly keyPrefix: string;
  /** The longest time for one request, in ms; a short lease allows less. */
  readonly commandTimeout: number;
  /** How many replicas must acknowledge a lock, unless a call has its own number. Default 0. */
  readonly minReplicas?: number;
  /** How long a token is stored after its last use, in ms. */
  readonly tokenTtl: number;
  /** Checks the connections for notifications; shared by several stores of one service. */
  readonly heartbeat?: Heartbeat;
  /**
   * The timeout of a request for a lease of this length, in ms. Default: `commandTimeout`, at most a third of the
   * lease.
   */
  readonly timeoutFor?: (leaseMs: number) => number;
  /** Receives warnings about the server or the client. */
  readonly reporter?: Reporter;
}

/** Locks on one Redis server or a Redis Cluster, in Redisson's key layout. */
export class RedisStore implements LockStore {
  readonly layout: KeyLayout;
  private readonly topology: Topology;
  private readonly connection: ConnectionWatch;
  /** Runs scripts on the store's connection. */
  readonly scripts: ScriptCaller;
  private readonly keys: KeyProbe;
  private readonly notifications: NotificationSubscriber;
  private readonly acked: AckedWrites;
  private closed = false;
  private readonly cleanUps = new CleanUps(this);
  /** Tracks acquires that may be executed after their owner was released. */
  readonly abandoned = new AbandonedAcquires(({ name, owner, leaseMs }, repeatUntil) => {
    this.cleanUps.add(name, owner, leaseMs, { repeatUntil });
  });
  private readonly acquires: ScriptBatch<AcquireRequest, AcquireReply>;
  private readonly renewals: ScriptBatch<RenewRequest, RenewReply>;
  private readonly releases: ScriptBatch<ReleaseRequest, ReleaseReply>;
  readonly firings: RedisFirings;

  constructor(private readonly options: RedisStoreOptions) {
    this.layout = new KeyLayout(options.keyPrefix);
    this.topology = topologyOf(options, this.layout);
    this.connection = this.topology.connection;
    this.scripts = new ScriptCaller(this.connection, this.topology.mixing);
    this.notifications = new NotificationSubscriber(this.topology.link);
    this.keys = new KeyProbe(options.client, this.scripts, this.layout, options.commandTimeout);
    const { layout, scripts, notifications } = this;
    const { ordered, routes, sharded } = this.topology;
    const renew = renewBatch(layout, options.tokenTtl);
    const release = releaseBatch(layout, notifications, sharded);
    const acquire = acquireBatch(layout, options.tokenTtl, ordered ? this.abandoned.inOrder : this.abandoned);
    const acked = acquireBatch(layout, options.tokenTtl, this.abandoned);
    this.acquires = new ScriptBatch(scripts, acquire);
    this.renewals = new ScriptBatch(scripts, renew);
    this.releases = new ScriptBatch(scripts, release);
    this.firings = new RedisFirings(layout, (...args) => this.call(...args));
    this.acked = new AckedWrites(routes, { acquire: acked, renew, release });
  }

  /** Whether requests are sent at once. */
  get ready(): boolean {
    return this.connection.ready;
  }

  get unsettled(): number {
    return this.cleanUps.size;
  }

  /** The last connection error. */
  get trouble(): Error | undefined {
    return this.connection.trouble;
  }

  /** The masters of a cluster, as far as they are known. */
  get nodes(): readonly StoreNode[] | undefined {
    return this.topology.nodes;
  }

  async connect(timeoutMs: number): Promise<void> {
    await startUp(this.starting, timeoutMs);
    const { client, reporter, commandTimeout } = this.options;
    if (reporter?.silent === false) await within(warnOfEviction(client, reporter), commandTimeout);
  }

  private get starting(): StartingStore {
    const isClosed = (): boolean => this.closed;
    return {
      acquire: (name, owner, leaseMs, tokens, minReplicas) => this.acquire(name, owner, leaseMs, tokens, minReplicas),
      renew: (...args) => this.renew(...args),
      inspect: (name) => this.inspect(name),
      release: (...args) => this.release(...args),
      forceRelease: (name) => this.forceRelease(name),
      connection: this.connection,
      get closed() {
        return isClosed();
      },
      testPlaces: (newName) => this.topology.testPlaces(newName),
      learnKeys: () => this.keys.run(),
      testOthers: (place) => this.testOthers(place),
      tidyUp: (name) =>
        within(callAtOnce(this.connection.client, 'del', this.layout.token(name)), this.options.commandTimeout),
    };
  }

  private async testOthers({ name, waitForReplicas }: TestPlace): Promise<void> {
    const { layout, scripts, topology } = this;
    const { client, ownsClient, commandTimeout, minReplicas = 0 } = this.options;
    const key = layout.lock(name);
    if (!ownsClient && !isClusterClient(client)) {
      await checkDatabase(client, (source) => scripts.eval(source, [key], commandTimeout));
    }
    await this.notifications.probe(layout.channel(name));
    await this.call(PROBE_PUBLISH_SCRIPT, name, [key], [layout.channel(name), topology.sharded ? 1 : 0]);
    await scripts.probeEval([key], commandTimeout);
    if (minReplicas > 0) await scripts.ask(waitForReplicas, commandTimeout);
  }

  acquire(name: string, owner: string, leaseMs: number, tokens: number, minReplicas: number): Promise<AcquireReply> {
    const request = { name, owner, leaseMs, tokens };
    const timeoutMs = this.timeoutFor(leaseMs);
    return minReplicas === 0
      ? this.acquires.run(request, timeoutMs)
      : this.acked.acquire(request, minReplicas, timeoutMs);
  }

  renew(
    name: string,
    owner: string,
    leaseMs: number,
    minReplicas: number,
    number = 0,
    exact = false,
  ): Promise<RenewReply> {
    const request = { name, owner, leaseMs, number, exact };
    const timeoutMs = this.timeoutFor(leaseMs);
    return minReplicas === 0
      ? this.renewals.run(request, timeoutMs)
      : this.acked.renew(request, minReplicas, timeoutMs);
  }

  /** @param notify whether waiters are notified */
  release(name: string, owner: string, keepMs: number, notify = true): Promise<ReleaseReply> {
    const repeatUntil = this.abandoned.onReleased(owner);
    if (repeatUntil > 0) this.repeatRelease(name, owner, keepMs, repeatUntil);
    return this.releases.run({ name, owner, keepMs, notify }, this.options.commandTimeout);
  }

  private repeatRelease(name: string, owner: string, keepMs: number, repeatUntil: number): void {
    const leaseMs = repeatUntil - monotonic();
    // The first release is sent by the caller.
    this.cleanUps.add(name, owner, leaseMs, { keepMs, repeatUntil, underWay: Promise.resolve() });
  }

  async inspect(name: string): Promise<LockState> {
    const value = await this.call(INSPECT_SCRIPT, name, [this.layout.lock(name)], [TOKEN_PREFIX]);
    const [owner, holds, ttl, token] = value as [string, unknown, unknown, string];
    // A client may have the option to return numbers as strings.
    const left = Number(ttl);
    const held = left !== -2;
    return {
      held,
      owner: held ? owner : undefined,
      // `holds` is 0 for an owner that released the lock with `keepMs`.
      holds: held ? Math.max(1, Number(holds)) : 0,
      remainingMs: left < 0 ? undefined : left,
      token: token === '' ? undefined : Number(token),
    };
  }

  async forceRelease(name: string): Promise<boolean> {
    const script = this.topology.sharded ? SHARDED_FORCE_RELEASE_SCRIPT : FORCE_RELEASE_SCRIPT;
    const value = await this.call(script, name, [this.layout.lock(name)], [this.layout.channel(name)]);
    return Number(value) === 1;
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return this.notifications.listen(this.layout.channel(name), onNotification);
  }

  heard(name: string): number | undefined {
    return this.notifications.idle ? undefined : this.notifications.heard(this.layout.channel(name));
  }

  async close(): Promise<void> {
    this.closed = true;
    this.keys.dispose();
    await this.cleanUps.close();
    this.notifications.close();
    this.topology.routes.close();
    this.connection.dispose();
    if (!this.options.ownsClient) return;
    const { client } = this.options;
    // The reply to QUIT follows those to all earlier requests. It is awaited for at most `commandTimeout`.
    if (this.connection.ready) {
      await within(isClusterClient(client) ? client.quit() : client.call('quit'), this.options.commandTimeout);
    }
    client.disconnect();
  }

  private timeoutFor(leaseMs: number): number {
    return (
      this.options.timeoutFor?.(leaseMs) ?? Math.max(1, Math.min(this.options.commandTimeout, Math.floor(leaseMs / 3)))
    );
  }

  private async call(script: Script, name: string, keys: string[], args: RedisArgument[]): Promise<unknown> {
    // Throws if the keys of the lock cannot be used in one call.
    this.topology.mixing.groupOf(name);
    try {
      return await this.scripts.call(script, keys, args, this.options.commandTimeout);
    } catch (error) {
      throw error instanceof LockUnavailableError ? error.forLock(name) : error;
    }
  }
}

/** Waits until `request` is settled, but not longer than `timeoutMs`. */
async function within(request: Promise<unknown>, timeoutMs: number): Promise<void> {
  let onTimeout: () => void = () => undefined;
  const timeout = new Promise<void>((resolve) => {
    onTimeout = resolve;
  });
  const timer = new Timer(onTimeout).start(timeoutMs);
  await Promise.race([request.catch(() => undefined), timeout]);
  timer.stop();
}
