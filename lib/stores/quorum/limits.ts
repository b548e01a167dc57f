import { LockConfigError } from '../../errors/index.js';

/** @throws LockConfigError if a node could lose a lock with this lease and vote again before the lease ends */
export function checkLease(leaseMs: number, restartGuard: number): void {
  if (restartGuard === 0 || leaseMs <= restartGuard) return;
  throw new LockConfigError(
    `A lease of ${String(leaseMs)} ms is longer than "restartGuard" (${String(restartGuard)} ms): a node could lose the ` +
      `lock and vote again. Raise "restartGuard" in every service that uses these nodes.`,
  );
}

/** @throws LockConfigError if replicas are required */
export function checkReplicas(minReplicas: number): void {
  if (minReplicas === 0) return;
  throw new LockConfigError(
    '"minReplicas" cannot be used with "quorum", where a majority of the nodes confirms each lock.',
  );
}
