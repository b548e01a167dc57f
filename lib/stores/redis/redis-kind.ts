import { monotonic } from '../../time/clock.js';
import type { LockConfigError } from '../../errors/index.js';
import { both } from '../both-subscriptions.js';
import { CleanUps } from '../clean-ups.js';
import type {
  AcquireReply,
  AcquireRequest,
  KindStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
  RenewRequest,
} from '../lock-store.js';
import type { WrongKindError } from '../wrong-kind-error.js';
import { kindConflict, type FoundKind } from './kind-conflict.js';
import type { NotificationSubscriber } from './notifications/notification-subscriber.js';
import { AckedWrites } from './replication/acked-writes.js';
import { AbandonedAcquires } from './scripts/abandoned-acquires.js';
import type { KindScripts, ReleaseRequest } from './scripts/lock-batches.js';
import { ScriptBatch } from './scripts/script-batch.js';
import type { ScriptCaller } from './scripts/script-caller.js';
import type { Topology } from './topology.js';

/** What the kinds of locks on one Redis or a cluster share. */
export interface KindConnections {
  readonly scripts: ScriptCaller;
  readonly notifications: NotificationSubscriber;
  readonly topology: Topology;
  readonly commandTimeout: number;
  /** The timeout of a request for a lease of this length, in ms. */
  readonly timeoutFor: (leaseMs: number) => number;
  /** What has this name in Redis. */
  readonly kindOf: (name: string) => Promise<FoundKind>;
}

/** The locks of one kind on one Redis or a cluster. */
export class RedisKind implements KindStore {
  private readonly cleanUps = new CleanUps(this);
  /** Tracks acquires that may be executed after their owner was released. */
  readonly abandoned: AbandonedAcquires;
  private readonly acquires: ScriptBatch<AcquireRequest, AcquireReply>;
  private readonly renewals: ScriptBatch<RenewRequest, RenewReply>;
  private readonly releases: ScriptBatch<ReleaseRequest, ReleaseReply>;
  private readonly acked: AckedWrites;

  constructor(
    private readonly connections: KindConnections,
    private readonly kind: KindScripts,
  ) {
    const { scripts, topology } = connections;
    const { acquire, renew, release } = kind;
    const abandoned = new AbandonedAcquires(({ name, owner, leaseMs }, repeatUntil) => {
      this.cleanUps.add(name, owner, leaseMs, { repeatUntil });
    }, kind.placeMs);
    this.abandoned = abandoned;
    this.acquires = new ScriptBatch(scripts, acquire(topology.ordered ? abandoned.inOrder : abandoned));
    this.renewals = new ScriptBatch(scripts, renew);
    this.releases = new ScriptBatch(scripts, release);
    this.acked = new AckedWrites(topology.routes, { acquire: acquire(abandoned), renew, release });
  }

  /** How many abandoned requests are being cleaned up. */
  get unsettled(): number {
    return this.cleanUps.size;
  }

  acquire(request: AcquireRequest): Promise<AcquireReply> {
    const timeoutMs = this.connections.timeoutFor(request.leaseMs);
    return request.minReplicas === 0 ? this.acquires.run(request, timeoutMs) : this.acked.acquire(request, timeoutMs);
  }

  renew(request: RenewRequest): Promise<RenewReply> {
    const timeoutMs = this.connections.timeoutFor(request.leaseMs);
    return request.minReplicas === 0 ? this.renewals.run(request, timeoutMs) : this.acked.renew(request, timeoutMs);
  }

  /** @param notify whether waiters are notified */
  release(name: string, owner: string, keepMs: number, notify = true): Promise<ReleaseReply> {
    const repeatUntil = this.abandoned.onReleased(owner);
    if (repeatUntil > 0) this.repeatRelease(name, owner, keepMs, repeatUntil);
    return this.releases.run({ name, owner, keepMs, notify }, this.connections.commandTimeout);
  }

  /** A waiter that is notified alone also listens to the others: an exclusive lock of the name notifies all of them. */
  subscribe(name: string, onNotification: () => void, owner = ''): NotificationSubscription {
    const { kind, connections } = this;
    const all = connections.notifications.listen(kind.channel(name), onNotification);
    if (kind.waiterChannel === undefined) return all;
    return both(all, connections.notifications.listen(kind.waiterChannel(name, owner), onNotification));
  }

  /** Not known of waiters that are notified alone. */
  heard(name: string): number | undefined {
    const { notifications } = this.connections;
    return notifications.idle || this.kind.waiterChannel !== undefined
      ? undefined
      : notifications.heard(this.kind.channel(name));
  }

  async explain(name: string, error: WrongKindError): Promise<LockConfigError | undefined> {
    const found = await this.connections.kindOf(name).catch((): FoundKind => 'other');
    return kindConflict(this.kind.title, found, name, error);
  }

  close(): Promise<void> {
    return this.cleanUps.close();
  }

  private repeatRelease(name: string, owner: string, keepMs: number, repeatUntil: number): void {
    const leaseMs = repeatUntil - monotonic();
    // The first release is sent by the caller.
    this.cleanUps.add(name, owner, leaseMs, { keepMs, repeatUntil, underWay: Promise.resolve() });
  }
}
