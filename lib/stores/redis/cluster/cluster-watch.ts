import { inServiceContext } from '../../../context/service-context.js';
import { ConnectionWatch, MAX_LATE_ARRIVAL_MS, LATE_ARRIVAL_MS } from '../connection/connection-watch.js';
import { allowListeners, type RedisClient } from '../connection/redis-client.js';
import { withoutArguments } from '../connection/server-error.js';
import { catchAsking } from './catch-asking.js';
import type { ClusterClient, ClusterNodeClient } from '../connection/cluster-client.js';
import { addressOf, type ClusterMap } from './cluster-map.js';
import { ClusterSilence } from './cluster-silence.js';
import { monotonic } from '../../../time/clock.js';

type Overdue = Parameters<ConnectionWatch['onOverdue']>[0];

/** How long connections may take to close after the service decided to replace them, in ms. */
const GIVING_UP_MS = 1_000;

/**
 * Tracks a cluster client. The client is ready while its map of the cluster is valid, even if connections to nodes open
 * and close. After each failed request the slots are refreshed.
 */
export class ClusterWatch extends ConnectionWatch {
  /** The `ready` listener of each node. */
  private readonly nodes = new Map<ClusterNodeClient, () => void>();
  /** `null` for a caller's client, which manages its own connections. */
  private readonly nodeSilence: ClusterSilence | null;
  /** The reason why the last connection to a node failed, by address. */
  private readonly troubles = new Map<string, Error>();
  /** The addresses of the nodes whose client ioredis removed, most often because its connection closed. */
  private readonly removed = new Set<string>();
  private gaveUpAt = -Infinity;

  constructor(
    private readonly cluster: ClusterClient,
    private readonly map: ClusterMap,
    ownsClient: boolean,
    commandTimeout: number,
  ) {
    super(cluster, ownsClient, commandTimeout);
    this.lateArrivalMs = LATE_ARRIVAL_MS;
    const onGiveUp = (): void => {
      this.gaveUpAt = monotonic();
    };
    this.nodeSilence = ownsClient ? new ClusterSilence(cluster, commandTimeout, onGiveUp) : null;
    cluster.on('+node', this.onNode);
    cluster.on('-node', this.onNodeGone);
    cluster.on('node error', this.onNodeError);
    for (const node of cluster.nodes('all')) this.onNode(node);
  }

  override onOverdue(request: Overdue, timeoutMs: number): void {
    this.overdue.add(request);
    this.nodeSilence?.check(timeoutMs);
    void this.map.refresh();
  }

  override onSlowHandshake(silentMs: number): void {
    this.nodeSilence?.check(silentMs);
    void this.map.refresh();
  }

  override onRefused(): void {
    void this.map.refresh();
  }

  override adviceOn(): string {
    return '';
  }

  override onBroken(): void {
    void this.map.refresh();
  }

  /** Why the last connection to the node at this address failed. */
  troubleOf(address: string): Error | undefined {
    return this.troubles.get(address);
  }

  /** Whether this node is known not to answer. */
  isSilent(node: ClusterNodeClient): boolean {
    return this.nodeSilence?.isSilent(node) ?? false;
  }

  override dispose(): void {
    super.dispose();
    this.nodeSilence?.dispose();
    this.cluster.off('+node', this.onNode);
    this.cluster.off('-node', this.onNodeGone);
    this.cluster.off('node error', this.onNodeError);
    for (const [node, onReady] of this.nodes) this.ignore(node, onReady);
    this.nodes.clear();
  }

  private readonly onNode = (node: unknown): void => {
    const each = node as ClusterNodeClient;
    if (this.nodes.has(each)) return;
    const onReady = (): void => {
      this.troubles.delete(addressOf(each));
    };
    this.nodes.set(each, onReady);
    each.on('ready', onReady);
    catchAsking(each);
    allowListeners(each, 1);
    each.on('close', this.onNodeClose);
    // Without a connection nobody would know whether the node is back until a request needs it.
    if (this.removed.delete(addressOf(each)) && each.status === 'wait') reconnect(each);
  };

  private readonly onNodeError = (error: unknown, address: unknown): void => {
    if (error instanceof Error) this.troubles.set(String(address), withoutArguments(error));
  };

  private readonly onNodeGone = (node: unknown): void => {
    const each = node as ClusterNodeClient;
    // The node may have been removed before.
    const onReady = this.nodes.get(each);
    if (onReady === undefined) return;
    this.nodes.delete(each);
    this.removed.add(addressOf(each));
    this.nodeSilence?.remove(each);
    this.onNodeClose();
    this.ignore(each, onReady);
  };

  private ignore(node: ClusterNodeClient, onReady: () => void): void {
    node.off('ready', onReady);
    node.off('close', this.onNodeClose);
    allowListeners(node, -1);
  }

  /** A caller's client may resend the requests in flight to this node; the service's own client rejects them. */
  private readonly onNodeClose = (): void => {
    this.cuts += 1;
    this.lateArrivalMs = monotonic() - this.gaveUpAt < GIVING_UP_MS ? MAX_LATE_ARRIVAL_MS : LATE_ARRIVAL_MS;
  };
}

function reconnect(node: ClusterNodeClient): void {
  inServiceContext(() => node.connect()).catch(() => undefined);
}

/** Tracks the service's own connection to one node of a cluster. */
export class NodeWatch extends ConnectionWatch {
  constructor(
    client: RedisClient,
    private readonly map: ClusterMap,
    commandTimeout: number,
  ) {
    super(client, true, commandTimeout);
  }

  override onOverdue(request: Overdue, timeoutMs: number, answers: number): void {
    super.onOverdue(request, timeoutMs, answers);
    void this.map.refresh();
  }

  override onSlowHandshake(silentMs: number): void {
    super.onSlowHandshake(silentMs);
    void this.map.refresh();
  }

  override adviceOn(): string {
    return '';
  }

  override onRefused(error: Error): void {
    super.onRefused(error);
    void this.map.refresh();
  }
}
