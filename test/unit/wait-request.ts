import type { WaitRequest } from '../../lib/waiting/waiter.js';

/** A request for a renewed lease of 30 s that waits without limit, unless `change` says otherwise. */
export function waitRequest(change: Partial<WaitRequest> = {}): WaitRequest {
  return {
    wait: Infinity,
    leaseMs: 30_000,
    renewMs: 30_000,
    holdAtLeast: 0,
    minReplicas: 0,
    signal: undefined,
    ...change,
  };
}
