import { inServiceContext } from '../../../context/service-context.js';
import { ConnectionProbe } from '../connection/connection-probe.js';
import type { RedisClient } from '../connection/redis-client.js';
import { expectErrors, resetSocket } from '../connection/socket.js';
import type { ClusterClient, ClusterNodeClient } from '../connection/cluster-client.js';
import { NodeSilence } from './node-silence.js';

/** How long the configured nodes may take to reply, in ms. ioredis tries one after another, for one second each. */
const RESTART_TIMEOUT_MS = 5_000;

/**
 * Replaces silent connections of the service's own cluster client one by one. If no node of the cluster replies, the
 * client restarts from the configured nodes as soon as one of them replies.
 */
export class ClusterSilence {
  private readonly nodes = new Map<ClusterNodeClient, NodeSilence>();
  private probe: ConnectionProbe | null = null;
  private disposed = false;

  /** @param onGiveUp runs before connections are closed */
  constructor(
    private readonly cluster: ClusterClient,
    private readonly commandTimeout: number,
    private readonly onGiveUp: () => void,
  ) {}

  /** Called when a request has had no reply for `silentMs`. It is not known which node got it, so all are checked. */
  check(silentMs: number): void {
    if (this.disposed) return;
    // A node that was never used, such as a replica, has no connection.
    for (const node of this.cluster.nodes('all')) if (node.status !== 'wait') this.watchOf(node).check(silentMs);
  }

  isSilent(node: ClusterNodeClient): boolean {
    return this.nodes.get(node)?.silent ?? false;
  }

  /** Called when the connection is closed. */
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

/** A client with the same configured nodes and options that does not reconnect. */
function openLike(cluster: ClusterClient): RedisClient {
  const once = { lazyConnect: false, clusterRetryStrategy: () => null, slotsRefreshInterval: undefined };
  return inServiceContext(() => cluster.duplicate([], once));
}
