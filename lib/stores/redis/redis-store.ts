import { LockUnavailableError, type LockConfigError } from '../../errors/index.js';
import { Timer } from '../../time/timer.js';
import type {
  AcquireReply,
  AcquireRequest,
  LockStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
  RenewRequest,
} from '../lock-store.js';
import type { StoredLock, StoreNode } from '../lock-state.js';
import { WrongKindError } from '../wrong-kind-error.js';
import type { Reporter } from '../../telemetry/reporter.js';
import { isClusterClient } from './connection/cluster-client.js';
import { callAtOnce } from './connection/call.js';
import { checkDatabase } from './connection/client-database.js';
import type { ConnectionWatch } from './connection/connection-watch.js';
import type { Heartbeat } from './connection/heartbeat.js';
import { CHANNEL_PREFIX, KeyLayout, READ_WRITE_CHANNEL_PREFIX, TOKEN_PREFIX } from './scripts/key-layout.js';
import { KeyProbe } from './key-probe.js';
import type { FoundKind } from './kind-conflict.js';
import { NotificationSubscriber } from './notifications/notification-subscriber.js';
import type { RedisArgument, RedisClient } from './connection/redis-client.js';
import { ScriptCaller } from './scripts/script-caller.js';
import { warnOfEviction } from './connection/eviction-warning.js';
import {
  FORCE_RELEASE_SCRIPT,
  INSPECT_PERMITS_SCRIPT,
  INSPECT_SCRIPT,
  KIND_SCRIPT,
  PROBE_PUBLISH_SCRIPT,
  SHARDED_FORCE_RELEASE_SCRIPT,
} from './lua/index.js';
import type { Script } from './lua/script.js';
import { RedisFirings } from './redis-firings.js';
import { RedisHolders } from './redis-holders.js';
import { RedisKind } from './redis-kind.js';
import { RedisLatches } from './redis-latches.js';
import { RedisSemaphores } from './redis-semaphores.js';
import type { AbandonedAcquires } from './scripts/abandoned-acquires.js';
import { fairScripts } from './scripts/fair-batches.js';
import { lockScripts } from './scripts/lock-batches.js';
import { readWriteScripts } from './scripts/read-write-batches.js';
import { semaphoreScripts } from './scripts/semaphore-batches.js';
import { startUp, type StartingStore } from './start-up.js';
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
  private readonly locks: RedisKind;
  readonly semaphores: RedisSemaphores;
  readonly fair: RedisKind;
  readonly readWrite: RedisKind;
  readonly latches: RedisLatches;
  private closed = false;
  readonly firings: RedisFirings;
  readonly holders: RedisHolders;

  constructor(private readonly options: RedisStoreOptions) {
    this.layout = new KeyLayout(options.keyPrefix);
    this.topology = topologyOf(options, this.layout);
    this.connection = this.topology.connection;
    this.scripts = new ScriptCaller(this.connection, this.topology.mixing);
    this.notifications = new NotificationSubscriber(this.topology.link);
    this.keys = new KeyProbe(options.client, this.scripts, this.layout, options.commandTimeout);
    const { layout, scripts, notifications, topology } = this;
    const { commandTimeout, timeoutFor = (leaseMs) => shareOf(leaseMs, commandTimeout) } = options;
    const kindOf = async (name: string): Promise<FoundKind> => {
      const [key, ...ofSemaphore] = layout.semaphore(name);
      const [, ofLatch] = layout.latch(name);
      return (await this.call(KIND_SCRIPT, name, [key], [...ofSemaphore, ofLatch])) as FoundKind;
    };
    const connections = { scripts, notifications, topology, commandTimeout, timeoutFor, kindOf };
    this.locks = new RedisKind(connections, lockScripts(layout, options.tokenTtl, notifications, topology.sharded));
    this.fair = new RedisKind(connections, fairScripts(layout, options.tokenTtl, topology.sharded));
    const readWrite = readWriteScripts(layout, options.tokenTtl, notifications, topology.sharded);
    this.readWrite = new RedisKind(connections, readWrite);
    const ofSemaphore = semaphoreScripts(layout, options.tokenTtl, notifications, topology.sharded);
    this.semaphores = new RedisSemaphores(connections, ofSemaphore, (name) =>
      this.call(INSPECT_PERMITS_SCRIPT, name, layout.semaphore(name), [], this.semaphores),
    );
    this.latches = new RedisLatches({
      layout,
      notifications,
      sharded: topology.sharded,
      ttl: options.tokenTtl,
      run: (...args) => this.call(...args, this.latches),
      kindOf,
    });
    this.holders = new RedisHolders(layout, scripts, commandTimeout);
    this.firings = new RedisFirings(layout, (...args) => this.call(...args));
  }

  /** Whether requests are sent at once. */
  get ready(): boolean {
    return this.connection.ready;
  }

  get unsettled(): number {
    return this.kinds.reduce((sum, kind) => sum + kind.unsettled, 0);
  }

  private get kinds(): readonly Pick<RedisKind, 'unsettled' | 'close'>[] {
    return [this.locks, this.fair, this.readWrite, this.semaphores];
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
      acquire: (request) => this.acquire(request),
      renew: (request) => this.renew(request),
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

  /** Tracks acquires that may be executed after their owner was released. */
  get abandoned(): AbandonedAcquires {
    return this.locks.abandoned;
  }

  acquire(request: AcquireRequest): Promise<AcquireReply> {
    return this.locks.acquire(request);
  }

  renew(request: RenewRequest): Promise<RenewReply> {
    return this.locks.renew(request);
  }

  /** @param notify whether waiters are notified */
  release(name: string, owner: string, keepMs: number, notify = true): Promise<ReleaseReply> {
    return this.locks.release(name, owner, keepMs, notify);
  }

  async inspect(name: string): Promise<StoredLock> {
    const value = await this.call(INSPECT_SCRIPT, name, [this.layout.lock(name)], [TOKEN_PREFIX]);
    const [owner, holds, ttl, token, mode] = value as [string, unknown, unknown, string, string];
    // A client may have the option to return numbers as strings.
    const left = Number(ttl);
    const held = left !== -2;
    return {
      held,
      mode: held ? modeOf(mode) : undefined,
      owner: held ? owner : undefined,
      // `holds` is 0 for an owner that released the lock with `keepMs`.
      holds: held ? Math.max(1, Number(holds)) : 0,
      remainingMs: left < 0 ? undefined : left,
      token: token === '' ? undefined : Number(token),
    };
  }

  async forceRelease(name: string): Promise<boolean> {
    const script = this.topology.sharded ? SHARDED_FORCE_RELEASE_SCRIPT : FORCE_RELEASE_SCRIPT;
    const value = await this.call(script, name, [this.layout.lock(name)], [CHANNEL_PREFIX, READ_WRITE_CHANNEL_PREFIX]);
    return Number(value) === 1;
  }

  explain(name: string, error: WrongKindError): Promise<LockConfigError | undefined> {
    return this.locks.explain(name, error);
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return this.locks.subscribe(name, onNotification);
  }

  heard(name: string): number | undefined {
    return this.locks.heard(name);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.keys.dispose();
    await Promise.all(this.kinds.map((kind) => kind.close()));
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

  private async call(
    script: Script,
    name: string,
    keys: string[],
    args: RedisArgument[],
    kind: Pick<RedisKind, 'explain'> = this.locks,
  ): Promise<unknown> {
    // Throws if the keys of the lock cannot be used in one call.
    this.topology.mixing.groupOf(name);
    try {
      return await this.scripts.call(script, keys, args, this.options.commandTimeout);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      const conflict = error instanceof WrongKindError ? await kind.explain(name, error) : undefined;
      throw conflict ?? error.forLock(name);
    }
  }
}

function modeOf(mode: string): StoredLock['mode'] {
  return mode === 'read' || mode === 'write' ? mode : 'exclusive';
}

/** The timeout of a request for a lease of this length, in ms. */
function shareOf(leaseMs: number, commandTimeout: number): number {
  return Math.max(1, Math.min(commandTimeout, Math.floor(leaseMs / 3)));
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
