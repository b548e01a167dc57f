import { LockUnavailableError } from '../../../errors/index.js';
import type { AcquireReply, AcquireRequest, RenewReply, RenewRequest } from '../../lock-store.js';
import { OverdueError } from '../../overdue-error.js';
import { AckedConnection, type Acked, type AckedKind } from './acked-connection.js';
import type { ReleaseRequest } from '../scripts/lock-batches.js';
import type { KeyGroup } from '../scripts/key-mixing.js';
import type { BatchedScript } from '../scripts/script-batch.js';
import type { ScriptCaller } from '../scripts/script-caller.js';

/** The server of a lock's writes: the only one, or in a cluster the master of its slot. */
export interface WriteRoute {
  readonly node: string;
  /** Locks of the same group may share a call. */
  readonly group: KeyGroup;
}

export interface Redirection {
  readonly node: string;
  /** Whether the hash slot is still moving to that node. */
  readonly asking: boolean;
}

/** The connections for writes that replicas must acknowledge. */
export interface WriteRoutes {
  /** @throws LockNameError if the name cannot be used here */
  routeOf(name: string): WriteRoute;
  /**
   * The connection to a node for writes that this number of replicas must acknowledge. It is opened on first use. No
   * request may be sent again on another connection.
   */
  callerFor(node: string, minReplicas: number): ScriptCaller;
  /** The node to which a request that was not executed is redirected; `undefined` if it is not. */
  redirection(error: LockUnavailableError, node: string): Redirection | undefined;
  /** Replaces connections whose servers are silent or no longer masters. */
  reconnect(): void;
  close(): void;
}

export interface AckedScripts {
  readonly acquire: BatchedScript<AcquireRequest, AcquireReply>;
  readonly renew: BatchedScript<RenewRequest, RenewReply>;
  readonly release: BatchedScript<ReleaseRequest, unknown>;
}

/** The largest number of redirections of a request in a row. */
const MAX_REDIRECTIONS = 3;

/**
 * Acquires and renewals that count only if replicas acknowledged them. `WAIT` covers the writes of its own connection
 * and blocks later requests on it, so these writes have separate connections: one for each node and number of replicas,
 * so that a caller that requires more replicas than exist does not delay others.
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

  acquire(request: AcquireRequest, timeoutMs: number): Promise<AcquireReply> {
    return this.run(this.acquires, request, timeoutMs);
  }

  renew(request: RenewRequest, timeoutMs: number): Promise<RenewReply> {
    return this.run(this.renewals, request, timeoutMs);
  }

  private async run<Request extends AcquireRequest | RenewRequest, Reply>(
    kind: AckedKind<Request, Reply>,
    request: Request,
    timeoutMs: number,
  ): Promise<Reply> {
    const { minReplicas } = request;
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

  /** Sends a request to the node that the cluster names instead. Returns whether there is one. */
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
