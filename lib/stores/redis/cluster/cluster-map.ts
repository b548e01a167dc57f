import { inServiceContext } from '../../../context/service-context.js';
import type { Reporter } from '../../../telemetry/reporter.js';
import { credentialsOf, reportRefusals, sameCredentials, type Credentials } from '../connection/credentials.js';
import type { Redirection } from '../replication/acked-writes.js';
import type { RedisClient } from '../connection/redis-client.js';
import type { ClusterClient, ClusterNodeClient } from '../connection/cluster-client.js';
import { monotonic } from '../../../time/clock.js';

const REDIRECTION = /^(ASK|MOVED) \d+ (\S*:\d+)/;

/** The shortest time between two refreshes, so that requests that fail together share one, in ms. */
const REFRESH_PAUSE_MS = 200;

/**
 * Which node of a cluster serves which slot, according to the client, and a way to refresh that after signs of a
 * change.
 */
export class ClusterMap {
  private refreshing: Promise<void> | null = null;
  private refreshedAt = -Infinity;

  /** The initial credentials of all nodes. */
  private readonly initial: Credentials;

  constructor(
    private readonly client: ClusterClient,
    private readonly reporter?: Reporter,
  ) {
    this.initial = this.credentials();
  }

  /** The address of the master of a slot; `undefined` if it is not known, or if ioredis has no client for it. */
  masterOf(slot: number): string | undefined {
    const address = this.client.slots?.[slot]?.[0];
    return address !== undefined && this.nodeAt(address) !== undefined ? address : undefined;
  }

  /** The addresses of all masters that serve hash slots, including those for which ioredis has no client. */
  owners(): string[] {
    const owners = new Set(this.client.slots?.map((nodes) => nodes?.[0]));
    return [...owners].filter((address) => address !== undefined);
  }

  /** The address of the master of a slot, even if ioredis has no client for it; '' if it is not known. */
  ownerOf(slot: number): string {
    return this.client.slots?.[slot]?.[0] ?? '';
  }

  /** The addresses of all masters for which ioredis has a client, connected or not. */
  masters(): string[] {
    return this.client.nodes('master').map(addressOf);
  }

  nodeAt(address: string): ClusterNodeClient | undefined {
    return this.client.nodes('all').find((node) => addressOf(node) === address);
  }

  /**
   * The node to which the cluster redirects a request that the node at `from` did not execute; `undefined` if it does
   * not.
   *
   * @param error the reply of the node
   */
  redirection(error: unknown, from: string): Redirection | undefined {
    const [, kind, address = ''] = error instanceof Error ? (REDIRECTION.exec(error.message) ?? []) : [];
    if (kind === undefined) return undefined;
    // A node that does not know its own host omits it.
    const full = address.startsWith(':') ? hostOf(from) + address : address;
    return { node: this.mapped(full), asking: kind === 'ASK' };
  }

  /** The address at which this process reaches a node. */
  private mapped(address: string): string {
    const { natMap } = this.client.options ?? {};
    const mapped = typeof natMap === 'function' ? natMap(address) : natMap?.[address];
    return mapped ? `${mapped.host}:${String(mapped.port)}` : address;
  }

  /** Opens another connection to a node; `undefined` if no node is known. It does not reconnect. */
  open(address: string, options: Record<string, unknown>): RedisClient | undefined {
    // ioredis does not list a node without hash slots, such as one that is just receiving its first slot.
    const node = this.nodeAt(address) ?? this.client.nodes('master')[0];
    if (node === undefined || address === '') return undefined;
    const host = hostOf(address);
    // A node's client keeps its initial options; a password that was changed for all nodes since is newer.
    const now = this.credentials();
    const copy = inServiceContext(() =>
      node.duplicate({
        retryStrategy: null,
        readOnly: false,
        lazyConnect: false,
        enableReadyCheck: true,
        ...options,
        host,
        port: Number(address.slice(host.length + 1)),
        ...(sameCredentials(now, this.initial) ? {} : now),
      }),
    );
    return reportRefusals(copy, this.reporter);
  }

  private credentials(): Credentials {
    const { options } = this.client;
    const shared: unknown = options === undefined ? undefined : Reflect.get(options, 'redisOptions');
    return credentialsOf(typeof shared === 'object' && shared !== null ? shared : undefined);
  }

  /** `listener` runs after the client has refreshed its slots. Returns a function that removes it. */
  watch(listener: () => void): () => void {
    this.client.on('refresh', listener);
    return () => this.client.off('refresh', listener);
  }

  /** Refreshes the slots. Resolves when the cluster has replied, or when the request has failed. */
  refresh(): Promise<void> {
    if (this.refreshing !== null) return this.refreshing;
    if (monotonic() - this.refreshedAt < REFRESH_PAUSE_MS || this.client.status !== 'ready') return Promise.resolve();
    return (this.refreshing = inServiceContext(() => this.ask()));
  }

  private ask(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.client.refreshSlotsCache(() => {
        this.refreshing = null;
        this.refreshedAt = monotonic();
        resolve();
      });
    });
  }
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

export function addressOf({ options }: ClusterNodeClient): string {
  return `${options.host ?? ''}:${String(options.port ?? '')}`;
}
