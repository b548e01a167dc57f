import type { LockErrorCode, LockLostReason } from '../errors/index.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import type { LockService, LockStats } from '../lock.service.js';
import type { StoreNodeState } from '../stores/lock-state.js';
import type { SkippedMessage } from '../telemetry/messages.js';
import type { Series } from './series.js';

/** Begins the name of each metric. */
export const NAMESPACE = 'redis_lock';

/** The upper bounds of the buckets of both histograms, in seconds. */
export const BUCKETS: readonly number[] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What a metric is, without its labels `template` and `mode`. */
export interface Definition {
  /** With dots, and without the unit: `wait.duration`. */
  readonly name: string;
  readonly help: string;
  /** What is counted, in the notation of UCUM. */
  readonly unit: string;
  /** A further label, and its values, each of which is there from the start. */
  readonly label?: string;
  readonly values?: readonly string[];
}

export type HistogramName = 'wait' | 'hold';
export type CounterName = 'lost' | 'refused' | 'skipped' | 'failedRenewals' | 'lateRenewals' | 'lateNotifications';

export const HISTOGRAMS: Readonly<Record<HistogramName, Definition>> = {
  wait: {
    name: 'wait.duration',
    help: 'How long callers waited until they got their lock or permits, or did not get them.',
    unit: 's',
    label: 'outcome',
    values: ['acquired', 'refused'],
  },
  hold: {
    name: 'hold.duration',
    help: 'How long callers held their lock or permits, until the release.',
    unit: 's',
    label: 'outcome',
    values: ['released', 'lost', 'unconfirmed'] satisfies ReleaseOutcome[],
  },
};

export const COUNTERS: Readonly<Record<CounterName, Definition>> = {
  lost: {
    name: 'lost',
    help: 'Locks that were lost while they were held: the lease expired, or another owner took the lock.',
    unit: '{lock}',
    label: 'reason',
    values: ['expired', 'taken'] satisfies LockLostReason[],
  },
  refused: {
    name: 'refused',
    help: 'Calls that did not get their lock or permits, by error code.',
    unit: '{call}',
    label: 'reason',
    values: ['LOCK_BUSY', 'LOCK_ABORTED', 'LOCK_UNAVAILABLE', 'LOCK_SHUTDOWN', 'LOCK_CONFIG'] satisfies LockErrorCode[],
  },
  skipped: {
    name: 'skipped',
    help: "Calls that did not run, because of onBusy: 'skip' (busy) or since another replica ran them (ran, running).",
    unit: '{call}',
    label: 'reason',
    values: ['busy', 'ran', 'running'] satisfies SkippedMessage['reason'][],
  },
  failedRenewals: {
    name: 'renewals.failed',
    help: 'Renewals that failed, or got no reply in time. They are repeated until the lease ends.',
    unit: '{renewal}',
  },
  lateRenewals: {
    name: 'renewals.late',
    help: 'Leases that were renewed when less than a third of them was left.',
    unit: '{renewal}',
  },
  lateNotifications: {
    name: 'notifications.late',
    help: 'Waiters that found their lock free by a periodic check, without a notification of the release.',
    unit: '{waiter}',
  },
};

/** A number that is read from `stats()` of each service when metrics are collected. */
export interface GaugeDefinition extends Definition {
  /** @param value the label's value */
  readonly read: (stats: LockStats, value: string | undefined) => number;
}

export const GAUGES: readonly GaugeDefinition[] = [
  {
    name: 'held',
    help: 'Leases that callers of this process hold now.',
    unit: '{lease}',
    read: ({ held }) => held,
  },
  {
    name: 'waiting',
    help: 'Callers of this process that wait for a lock now.',
    unit: '{caller}',
    read: ({ waiting }) => waiting,
  },
  {
    name: 'unsettled',
    help: 'Abandoned requests that are being cleaned up in the background.',
    unit: '{request}',
    read: ({ unsettled }) => unsettled,
  },
  {
    name: 'renewals.failing',
    help: 'Held locks whose last renewal failed: they are lost unless a retry succeeds.',
    unit: '{lock}',
    read: ({ failingRenewals }) => failingRenewals,
  },
  {
    name: 'unnotified',
    help: 'Locks that callers wait for although notifications of their releases do not arrive.',
    unit: '{lock}',
    read: ({ unnotified }) => unnotified,
  },
  {
    name: 'nodes',
    help: 'Nodes of a quorum, or masters of a cluster, by state.',
    unit: '{node}',
    label: 'state',
    values: ['ready', 'waiting', 'unreachable', 'refused'] satisfies StoreNodeState[],
    read: ({ nodes = [] }, value) => nodes.filter(({ state }) => state === value).length,
  },
];

/** The value of a gauge for several services together. */
export function readGauge({ read }: GaugeDefinition, locks: readonly LockService[], value?: string): number {
  return locks.reduce((sum, each) => sum + read(each.stats(), value), 0);
}

/** The labels of all values that a metric of calls has for one series. */
export function labelsOf({ label, values }: Definition, { template, mode }: Series): Record<string, string>[] {
  if (label === undefined || values === undefined) return [{ template, mode }];
  return values.map((value) => ({ template, mode, [label]: value }));
}
