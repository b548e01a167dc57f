import type { LiveEvent, ReplicaReport } from '../../../sample-app/lab/live/replica-report.js';

/** A report of a replica at rest, except for what is given. */
export function report(replica: string, more: Partial<ReplicaReport> = {}): ReplicaReport {
  return {
    replica,
    pid: 100,
    seq: 1,
    at: 0,
    periodMs: 200,
    guard: 'with-lock',
    queryMs: 300,
    requests: { answered: 0, failed: 0, refused: 0, running: 0 },
    latency: [],
    cache: { hits: 0, misses: 0, rebuilds: 0, rebuilding: 0 },
    orders: { placed: 0, soldOut: 0 },
    held: [],
    coordination: null,
    supplier: { permits: null, counted: null },
    waiting: [],
    events: [],
    eventsLeftOut: 0,
    ...more,
  };
}

export function held(name: string, token: number | null, remainingMs: number | null) {
  return { name, token, heldMs: 10, remainingMs };
}

export function renewed(name: string, token: number): LiveEvent {
  return { at: 0, type: 'renewed', name, token };
}
