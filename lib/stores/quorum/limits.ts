import { LockConfigError } from '../../errors/index.js';

/** @throws LockConfigError if a node could forget a lock of this lease and vote again before it is over */
export function checkLease(leaseMs: number, restartGuard: number): void {
  if (restartGuard === 0 || leaseMs <= restartGuard) return;
  throw new LockConfigError(
    `A lease of ${String(leaseMs)} ms is longer than "restartGuard" (${String(restartGuard)} ms): a node could forget the ` +
      `lock and vote again. Raise "restartGuard" in every service that uses these nodes.`,
  );
}

/** @throws LockConfigError if replicas are asked for */
export function checkReplicas(minReplicas: number): void {
  if (minReplicas === 0) return;
  throw new LockConfigError('"minReplicas" does not go with "quorum": a majority of the nodes answers for a lock.');
}
