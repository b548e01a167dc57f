import { LockUnavailableError } from '../../../errors/index.js';
import type { AcquireReply, RenewReply } from '../../lock-store.js';
import { OverdueError } from '../../overdue-error.js';
import { AckedConnection, type Acked, type AckedKind } from './acked-connection.js';
import type { AcquireRequest, ReleaseRequest, RenewRequest } from '../scripts/lock-batches.js';
import type { KeyGroup } from '../scripts/key-mixing.js';
import type { BatchedScript } from '../scripts/script-batch.js';
import type { ScriptCaller } from '../scripts/script-caller.js';

/** Where a lock's writes go: one server, or in a cluster the master of its slot. */
export interface WriteRoute {
  readonly node: string;
  /** Locks of the same group may share a call. */
  readonly group: KeyGroup;
}

export interface Redirection {
  readonly node: string;
  /** Whether the hash slot is still being moved to that node. */
  readonly asking: boolean;
}

/** The connections for writes that replicas acknowledge. */
export interface WriteRoutes {
  /** @throws LockNameError if the name cannot be used here */
  routeOf(name: string): WriteRoute;
  /**
   * The connection to a node for writes that so many replicas have to acknowledge, opened when it is first asked for. No
   * request may be sent again on another one.
   */
  callerFor(node: string, minReplicas: number): ScriptCaller;
  /** Where the node sends a request that it did not execute; `undefined`: nowhere. */
  redirection(error: LockUnavailableError, node: string): Redirection | undefined;
  /** Leaves servers that are silent or no longer masters. */
  reconnect(): void;
  close(): void;
}

export interface AckedScripts {
  readonly acquire: BatchedScript<AcquireRequest, AcquireReply>;
  readonly renew: BatchedScript<RenewRequest, RenewReply>;
  readonly release: BatchedScript<ReleaseRequest, unknown>;
}

/** How many times in a row a request is sent to another node at most. */
const MAX_REDIRECTIONS = 3;

/**
 * Acquires and renewals that count only when replicas acknowledged them. `WAIT` answers for the writes of its own
 * connection and blocks what is queued behind it, so these writes have connections of their own: for each node one for each
 * number of replicas, so that a caller who wants more replicas than there are delays no other.
 */
export class AckedWrites {
  private readonly connections = new Map<string, AckedConnection>();
  private readonly acquires: AckedKind<AcquireRequest, AcquireReply>;
  private readonly renewals: AckedKind<RenewRequest, RenewReply>;

  constructor(
    private readonly routes: WriteRoutes,
    private readonly scripts: AckedScripts,
  ) {
    this.acquires = { batched: scripts.acquire, granted: ({ taken }) => taken, givesBack: true };
    this.renewals = { batched: scripts.renew, granted: ({ held }) => held, givesBack: false };
  }

  acquire(request: AcquireRequest, minReplicas: number, timeoutMs: number): Promise<AcquireReply> {
    return this.run(this.acquires, request, minReplicas, timeoutMs);
  }

  renew(request: RenewRequest, minReplicas: number, timeoutMs: number): Promise<RenewReply> {
    return this.run(this.renewals, request, minReplicas, timeoutMs);
  }

  private async run<Request extends { name: string; owner: string; leaseMs: number }, Reply>(
    kind: AckedKind<Request, Reply>,
    request: Request,
    minReplicas: number,
    timeoutMs: number,
  ): Promise<Reply> {
    const { node, group } = this.routes.routeOf(request.name);
    try {
      return await new Promise<Reply>((resolve, reject) => {
        const acked: Acked<Request, Reply> = {
          kind,
          request,
          group,
          minReplicas,
          timeoutMs,
          asking: false,
          redirections: 0,
          resolve,
          reject,
        };
        this.laneOf(node, minReplicas).add(acked as unknown as Acked);
      });
    } catch (error) {
      if (error instanceof OverdueError) throw error;
      throw error instanceof LockUnavailableError ? error.forLock(request.name) : error;
    }
  }

  private laneOf(node: string, minReplicas: number): AckedConnection {
    const key = `${node} ${String(minReplicas)}`;
    const known = this.connections.get(key);
    if (known !== undefined) return known;
    const redirect = (acked: Acked, error: LockUnavailableError): boolean => this.redirect(acked, error, node);
    const connection = new AckedConnection(
      () => this.routes.callerFor(node, minReplicas),
      this.scripts.release,
      redirect,
    );
    this.connections.set(key, connection);
    connection.onIdle = () => {
      this.connections.delete(key);
    };
    return connection;
  }

  /** Sends a request to the node that the cluster names in its place. Returns whether there is one. */
  private redirect(acked: Acked, error: LockUnavailableError, from: string): boolean {
    if (acked.redirections >= MAX_REDIRECTIONS) return false;
    const to = this.routes.redirection(error, from);
    if (to === undefined) return false;
    this.laneOf(to.node, acked.minReplicas).add({
      ...acked,
      asking: to.asking,
      redirections: acked.redirections + 1,
    });
    return true;
  }
}
