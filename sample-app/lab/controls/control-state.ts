import type { GuardName } from '../evolution/guards.js';

/**
 * The state of the controls for the page: `GET /controls/state`, and the SSE stream `GET /controls/events` as `state`.
 */
export interface ControlState {
  readonly replicas: readonly ReplicaState[];
  readonly redis: 'up' | 'paused' | 'restarting';
  readonly guard: GuardName;
  readonly queryMs: number;
  readonly load: Load;
  /** The one that runs, or the last one. */
  readonly stampede: StampedeState | null;
  /** The last finished one for each guard, the oldest first. */
  readonly results: readonly StampedeState[];
  /** Grows with each change of the table at `GET /controls/evolution`. */
  readonly evolutionVersion: number;
  /** Why a control is not available, by its name: a Redis that was not started with the shop cannot be restarted. */
  readonly unavailable: Readonly<Record<string, string>>;
}

export interface ReplicaState {
  readonly name: string;
  readonly pid: number | null;
  /** `stopped`: by SIGSTOP. `killed`: by SIGKILL, and not started again yet. */
  readonly state: 'starting' | 'running' | 'stopped' | 'killed';
  /** In ms since 1970. */
  readonly since: number;
}

/** The steady load that the launcher sends through the proxy. */
export interface Load {
  readonly readersPerSecond: number;
  readonly buyersPerSecond: number;
  /** Customers who want to know what the supplier asks now. */
  readonly offersPerSecond: number;
}

/** A stampede of readers on an empty cache: the last one, or the one that runs. */
export interface StampedeState {
  readonly guard: GuardName;
  readonly readers: number;
  readonly served: number;
  /** Readers that got no catalog, or a wrong one. */
  readonly errors: number;
  /** Of these, with 409 since the lock was busy. */
  readonly refused: number;
  /** Counted in the database. */
  readonly rebuilds: number;
  readonly startedAt: number;
  /** `null` while it runs. */
  readonly lastMs: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}
