import { inServiceContext } from '../../../context/service-context.js';
import { ConnectionProbe } from '../connection/connection-probe.js';
import type { RedisClient } from '../connection/redis-client.js';
import { expectErrors, resetSocket } from '../connection/socket.js';
import type { ClusterClient, ClusterNodeClient } from '../connection/cluster-client.js';
import { NodeSilence } from './node-silence.js';

/** How long the configured nodes have to answer, in ms. ioredis asks one after another, for a second each. */
const RESTART_TIMEOUT_MS = 5_000;

/**
 * Replaces silent connections of a cluster client of our own, each by itself. If no node of the cluster answers, the client
 * starts again from the configured nodes, once one of them answers.
 */
export class ClusterSilence {
  private readonly nodes = new Map<ClusterNodeClient, NodeSilence>();
  private probe: ConnectionProbe | null = null;
  private disposed = false;

  /** @param onGiveUp runs before connections are given up */
  constructor(
    private readonly cluster: ClusterClient,
    private readonly commandTimeout: number,
    private readonly onGiveUp: () => void,
  ) {}

  /** A request was not answered for `silentMs`. It is not known by which node. */
  check(silentMs: number): void {
    if (this.disposed) return;
    // A node that was never used, as a replica is, has no connection.
    for (const node of this.cluster.nodes('all')) if (node.status !== 'wait') this.watchOf(node).check(silentMs);
  }

  isSilent(node: ClusterNodeClient): boolean {
    return this.nodes.get(node)?.silent ?? false;
  }

  /** The connection is closed. */
  remove(node: ClusterNodeClient): void {
    this.nodes.get(node)?.stop();
    this.nodes.delete(node);
  }

  dispose(): void {
    this.disposed = true;
    this.probe?.stop();
    for (const node of [...this.nodes.keys()]) this.remove(node);
  }

  private watchOf(node: ClusterNodeClient): NodeSilence {
    let watch = this.nodes.get(node);
    if (watch === undefined) {
      const giveUp = (): void => {
        this.giveUp([node]);
        node.disconnect();
      };
      const onUnanswered = (): void => {
        this.onUnanswered();
      };
      watch = new NodeSilence(node, this.commandTimeout, giveUp, onUnanswered);
      this.nodes.set(node, watch);
    }
    return watch;
  }

  private giveUp(nodes: readonly ClusterNodeClient[]): void {
    this.onGiveUp();
    for (const node of nodes) {
      expectErrors(node);
      resetSocket(node);
    }
  }

  private onUnanswered(): void {
    if (this.probe !== null || this.disposed || !this.allSilent) return;
    this.probe = new ConnectionProbe(
      () => openLike(this.cluster),
      RESTART_TIMEOUT_MS,
      (answered) => {
        this.probe = null;
        if (answered && this.allSilent && this.cluster.status === 'ready') this.restart();
      },
    );
  }

  private get allSilent(): boolean {
    return [...this.nodes.values()].every(({ silent }) => silent);
  }

  private restart(): void {
    this.giveUp(this.cluster.nodes('all'));
    inServiceContext(() => {
      this.cluster.disconnect(true);
    });
  }
}

/** A client with the same configured nodes and options, which does not connect again. */
function openLike(cluster: ClusterClient): RedisClient {
  const once = { lazyConnect: false, clusterRetryStrategy: () => null, slotsRefreshInterval: undefined };
  return inServiceContext(() => cluster.duplicate([], once));
}
