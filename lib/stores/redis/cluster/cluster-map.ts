import { inServiceContext } from '../../../context/service-context.js';
import type { Reporter } from '../../../telemetry/reporter.js';
import { credentialsOf, reportRefusals, sameCredentials, type Credentials } from '../connection/credentials.js';
import type { Redirection } from '../replication/acked-writes.js';
import type { RedisClient } from '../connection/redis-client.js';
import type { ClusterClient, ClusterNodeClient } from '../connection/cluster-client.js';
import { monotonic } from '../../../time/clock.js';

const REDIRECTION = /^(ASK|MOVED) \d+ (\S*:\d+)/;

/** Requests that fail together ask for one look at the cluster together, in ms. */
const REFRESH_PAUSE_MS = 200;

/** Which node of a cluster serves which slot, as far as its client knows. It asks again when something shows a change. */
export class ClusterMap {
  private refreshing: Promise<void> | null = null;
  private refreshedAt = -Infinity;

  /** The credentials that all nodes had at first. */
  private readonly initial: Credentials;

  constructor(
    private readonly client: ClusterClient,
    private readonly reporter?: Reporter,
  ) {
    this.initial = this.credentials();
  }

  /** The address of the master of a slot; `undefined` if that is not known. */
  masterOf(slot: number): string | undefined {
    const address = this.client.slots?.[slot]?.[0];
    return address !== undefined && this.nodeAt(address) !== undefined ? address : undefined;
  }

  /** The addresses of all masters that serve hash slots, also of those without a connection. */
  owners(): string[] {
    const owners = new Set(this.client.slots?.map((nodes) => nodes?.[0]));
    return [...owners].filter((address) => address !== undefined);
  }

  /** The address of the master of a slot, also if there is no connection to it; '' if it is not known. */
  ownerOf(slot: number): string {
    return this.client.slots?.[slot]?.[0] ?? '';
  }

  /** The addresses of all masters to which there are connections. */
  masters(): string[] {
    return this.client.nodes('master').map(addressOf);
  }

  nodeAt(address: string): ClusterNodeClient | undefined {
    return this.client.nodes('all').find((node) => addressOf(node) === address);
  }

  /**
   * Where the cluster redirects a request that the node at `from` did not execute; `undefined`: nowhere.
   *
   * @param error what the node replied
   */
  redirection(error: unknown, from: string): Redirection | undefined {
    const [, kind, address = ''] = error instanceof Error ? (REDIRECTION.exec(error.message) ?? []) : [];
    if (kind === undefined) return undefined;
    // A node that does not know its own host leaves it out.
    const full = address.startsWith(':') ? hostOf(from) + address : address;
    return { node: this.mapped(full), asking: kind === 'ASK' };
  }

  /** The address under which a node is reached here. */
  private mapped(address: string): string {
    const { natMap } = this.client.options ?? {};
    const mapped = typeof natMap === 'function' ? natMap(address) : natMap?.[address];
    return mapped ? `${mapped.host}:${String(mapped.port)}` : address;
  }

  /** Another connection to a node; `undefined` if no node is known. It gives up for good when it is cut. */
  open(address: string, options: Record<string, unknown>): RedisClient | undefined {
    // ioredis does not know a node without hash slots, such as one to which the first slot is just being moved.
    const node = this.nodeAt(address) ?? this.client.nodes('master')[0];
    if (node === undefined || address === '') return undefined;
    const host = hostOf(address);
    // A node's client keeps the options that it was made with: a password that was changed for all nodes is newer.
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

  /** `listener` runs after the client has learned again which node serves which slot. */
  watch(listener: () => void): () => void {
    this.client.on('refresh', listener);
    return () => this.client.off('refresh', listener);
  }

  /** Asks the cluster who serves what. Resolves when it has answered, or cannot. */
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
