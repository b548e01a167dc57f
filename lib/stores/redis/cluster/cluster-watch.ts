import { ConnectionWatch, STRAY_MS } from '../connection-watch.js';
import { allowListeners, type RedisClient } from '../redis-client.js';
import { catchAsking } from './catch-asking.js';
import type { ClusterClient, ClusterNodeClient } from './cluster-client.js';
import type { ClusterMap } from './cluster-map.js';

type Overdue = Parameters<ConnectionWatch['onOverdue']>[0];

/**
 * Follows a cluster's client. It is ready as long as the cluster is known; the connections to its nodes come and go. What
 * goes wrong with a request is a reason to ask who serves what now.
 */
export class ClusterWatch extends ConnectionWatch {
  private readonly nodes = new Set<ClusterNodeClient>();

  constructor(
    private readonly cluster: ClusterClient,
    private readonly map: ClusterMap,
    ownsClient: boolean,
    commandTimeout: number,
  ) {
    super(cluster, ownsClient, commandTimeout);
    this.strayMs = STRAY_MS;
    cluster.on('+node', this.onNode);
    cluster.on('-node', this.onNodeGone);
    for (const node of cluster.nodes('all')) this.onNode(node);
  }

  override onOverdue(request: Overdue): void {
    this.overdue.add(request);
    void this.map.refresh();
  }

  override onSlowHandshake(): void {
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

  override dispose(): void {
    super.dispose();
    this.cluster.off('+node', this.onNode);
    this.cluster.off('-node', this.onNodeGone);
    for (const node of this.nodes) this.ignore(node);
    this.nodes.clear();
  }

  private readonly onNode = (node: unknown): void => {
    const each = node as ClusterNodeClient;
    if (this.nodes.has(each)) return;
    this.nodes.add(each);
    catchAsking(each);
    allowListeners(each, 1);
    each.on('close', this.onNodeClose);
  };

  private readonly onNodeGone = (node: unknown): void => {
    const each = node as ClusterNodeClient;
    // Its connection closes, if it has not done so before.
    if (!this.nodes.delete(each)) return;
    this.onNodeClose();
    this.ignore(each);
  };

  private ignore(node: ClusterNodeClient): void {
    node.off('close', this.onNodeClose);
    allowListeners(node, -1);
  }

  /** A caller's client may send again what was under way to this node; ours does not, and says so to each request. */
  private readonly onNodeClose = (): void => {
    this.cuts += 1;
  };
}

/** Follows a connection of our own to one node of a cluster. */
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
