import { LockUnavailableError } from '../../errors/index.js';
import type { AcquireReply, RenewReply } from '../lock-store.js';
import { OverdueError } from '../overdue-error.js';
import { AckedLane, type Acked, type AckedKind } from './acked-lane.js';
import type { AcquireRequest, ReleaseRequest, RenewRequest } from './lock-batches.js';
import type { KeyGroup } from './key-mixing.js';
import type { BatchedScript } from './script-batch.js';
import type { ScriptCaller } from './script-caller.js';

/** Where a lock's writes go: one server, or in a cluster the master of its slot. */
export interface WriteRoute {
  readonly node: string;
  /** Locks of the same group may share a call. */
  readonly group: KeyGroup;
}

/** The connections for writes that replicas acknowledge. */
export interface WriteRoutes {
  /** @throws LockNameError if the name cannot be used here */
  routeOf(name: string): WriteRoute;
  /** The connection to a node, opened when it is first asked for. No request may be sent again on another one. */
  callerFor(node: string): ScriptCaller;
  /** Leaves servers that are silent or no longer masters. */
  reconnect(): void;
  close(): void;
}

export interface AckedScripts {
  readonly acquire: BatchedScript<AcquireRequest, AcquireReply>;
  readonly renew: BatchedScript<RenewRequest, RenewReply>;
  readonly release: BatchedScript<ReleaseRequest, unknown>;
}

/**
 * Acquires and renewals that count only when replicas acknowledged them. `WAIT` answers for the writes of its own
 * connection and blocks what is queued behind it, so these writes have a connection of their own, a lane for each node.
 */
export class AckedWrites {
  private readonly lanes = new Map<string, AckedLane>();
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
        const acked: Acked<Request, Reply> = { kind, request, group, minReplicas, timeoutMs, resolve, reject };
        this.laneOf(node).add(acked as unknown as Acked);
      });
    } catch (error) {
      if (error instanceof OverdueError) throw error;
      throw error instanceof LockUnavailableError ? error.forLock(request.name) : error;
    }
  }

  private laneOf(node: string): AckedLane {
    const known = this.lanes.get(node);
    if (known !== undefined) return known;
    const lane = new AckedLane(() => this.routes.callerFor(node), this.scripts.release);
    this.lanes.set(node, lane);
    lane.onIdle = () => {
      this.lanes.delete(node);
    };
    return lane;
  }
}
