import { LockConfigError } from '../errors/index.js';
import type { LeaseRequest } from '../leases/leases.js';
import type { NestedCall } from '../leases/nested-call.js';
import type { LockMode } from '../stores/lock-state.js';
import type { TakingMode } from '../stores/lock-store.js';
import {
  checkFlag,
  checkKnown,
  checkLabel,
  checkLease,
  checkMinReplicas,
  checkWait,
  checkWhole,
  MAX_LEASE_MS,
  show,
} from './checks.js';
import type { ResolvedSettings } from './service-options.js';
import { checkWarnAfter, type WarnAfter } from './warn-after.js';

/**
 * Options of one acquisition; every duration is in ms.
 *
 * @publicApi
 */
export interface AcquireOptions {
  /**
   * How long to wait for a taken lock. 0: a single attempt; `Infinity`: no limit. Default: the module's `wait`, 10 000.
   */
  readonly wait?: number;
  /** The length of the lease. 10 to 86 400 000. Default: the module's `lease`, 30 000. */
  readonly lease?: number;
  /**
   * Whether the lease is renewed whenever a third of it has passed, for as long as the lock is held. `false`: it ends
   * after `lease`. Default: the module's `renew`, `true`.
   */
  readonly renew?: boolean;
  /**
   * `'exclusive'`: one holder at a time. `'fair'`: the same, and all callers of all processes are served in the order of their
   * requests. `'read'` and `'write'`: a read-write lock, which any number of callers have to read, or one to write. Use each
   * name either with `'exclusive'` and `'fair'`, or with `'read'` and `'write'`. Over a quorum only `'exclusive'`, the default.
   */
  readonly mode?: LockMode;
  /** Ends the wait when it aborts. It has no effect once the lock is held. */
  readonly signal?: AbortSignal;
  /**
   * Keeps the lock at least this long after it was acquired, even if it is released sooner or the process dies. A
   * renewed lease is at least this long from the start. Default 0.
   */
  readonly holdAtLeast?: number;
  /**
   * How many replicas must acknowledge the lock and each renewal (`WAIT`). If too few do, the lock is released and
   * retried within `wait`. 0 to 100. Default: the module's `minReplicas`, 0. It has no effect on a nested call that
   * joins a lease.
   */
  readonly minReplicas?: number;
  /**
   * What a call inside a section of the same lock does. `'join'`: it shares the section's lease. `'refuse'`: it fails
   * at once with `LockBusyError`. `'wait'`: it waits like any other caller; if the section awaits the call, the call
   * fails after its `wait`. Default `'join'`.
   *
   * "Inside" means the async context, which includes jobs that the section's code starts through a shared queue.
   */
  readonly nested?: NestedCall;
  /**
   * What calls like this one have in common, for metrics and logs, where each name would be a series of its own:
   * `'catalog'` for `catalog:shoes` and `catalog:hats`. 1 to 100 characters. Default: of a decorator, its template, or the
   * class and method if its name is a function; else none.
   */
  readonly label?: string;
  /** After how long this lease, and the wait for it, is reported. Default: the module's `warnAfter`, never. */
  readonly warnAfter?: WarnAfter;
}

const NESTED_CALLS: readonly unknown[] = ['join', 'refuse', 'wait'] satisfies NestedCall[];

const MODES: readonly unknown[] = ['exclusive', 'fair', 'read', 'write'] satisfies LockMode[];

const KNOWN = [
  'mode',
  'wait',
  'lease',
  'renew',
  'signal',
  'holdAtLeast',
  'minReplicas',
  'nested',
  'label',
  'warnAfter',
] as const satisfies readonly (keyof AcquireOptions)[];

/** @internal What a store does not grant. */
export interface StoreLimits {
  /** The longest lease, in ms. */
  readonly maxLeaseMs?: number | undefined;
  /** Whether it has exclusive locks only. */
  readonly exclusiveOnly?: boolean;
}

/** @internal Checks the options of acquisitions and fills in the defaults. */
export class AcquireResolver {
  private readonly defaults: LeaseRequest;

  constructor(
    private readonly settings: ResolvedSettings,
    private readonly limits: StoreLimits = {},
  ) {
    this.defaults = resolveAcquire({}, settings, limits);
  }

  /** @throws LockConfigError that names the option */
  resolve(options: AcquireOptions | undefined): LeaseRequest {
    if (options === undefined) return this.defaults;
    return resolveAcquire(options, this.settings, this.limits);
  }

  /** @throws LockConfigError if the mode is not valid, or not one of the store */
  resolveMode(mode: LockMode | undefined): TakingMode | undefined {
    checkMode(mode);
    return resolveMode(mode, this.limits);
  }
}

/**
 * @internal Checks the options of an acquisition and fills in the defaults.
 *
 * @throws LockConfigError that names the option
 */
export function resolveAcquire(
  options: AcquireOptions,
  settings: ResolvedSettings,
  limits: StoreLimits = {},
): LeaseRequest {
  checkAcquireOptions(options);
  const { maxLeaseMs = MAX_LEASE_MS } = limits;
  const { lease = settings.lease, renew = settings.renew, holdAtLeast = 0 } = options;
  if (holdAtLeast > lease && !renew) {
    throw new LockConfigError(
      `"holdAtLeast" (${String(holdAtLeast)}) must not be longer than the "lease" (${String(lease)}) where "renew" is false.`,
    );
  }
  // If the process dies, only the lease keeps the lock taken.
  const leaseMs = Math.max(lease, holdAtLeast);
  if (leaseMs > maxLeaseMs) {
    throw new LockConfigError(
      `"${lease > maxLeaseMs ? 'lease' : 'holdAtLeast'}" (${String(leaseMs)}) must not be longer than "restartGuard" ` +
        `(${String(maxLeaseMs)}): a node could forget the lock and vote again. Raise "restartGuard" in every service that ` +
        `uses these nodes.`,
    );
  }
  return {
    mode: resolveMode(options.mode, limits),
    wait: options.wait ?? settings.wait,
    leaseMs,
    renewMs: renew ? lease : undefined,
    signal: options.signal,
    holdAtLeast,
    minReplicas: options.minReplicas ?? settings.minReplicas,
    nested: options.nested ?? 'join',
    label: options.label,
    warnAfter: options.warnAfter === undefined ? settings.warnAfter : { ...settings.warnAfter, ...options.warnAfter },
  };
}

/**
 * @internal Checks the options as far as possible without a service, for decorators.
 *
 * @param more names of additional options that the caller accepts
 * @throws LockConfigError that names the option
 */
export function checkAcquireOptions(options: unknown, more: readonly string[] = []): asserts options is AcquireOptions {
  if (typeof options !== 'object' || options === null) {
    throw new LockConfigError(`The lock options must be an object, but are ${show(options)}.`);
  }
  if (Reflect.get(options, 'lease') === 'renew') {
    throw new LockConfigError(
      `lease: 'renew' is replaced by renew: true, which is the default. "lease" is the length in ms.`,
    );
  }
  checkKnown('A lock', options, [...KNOWN, ...more]);
  const { mode, wait, lease, renew, signal, holdAtLeast, minReplicas, nested, label, warnAfter } = options as Record<
    keyof AcquireOptions,
    unknown
  >;
  checkMode(mode);
  if (wait !== undefined) checkWait('wait', wait);
  if (lease !== undefined) checkLease('lease', lease);
  if (renew !== undefined) checkFlag('renew', renew);
  if (holdAtLeast !== undefined) checkWhole('holdAtLeast', holdAtLeast, 0, MAX_LEASE_MS);
  if (minReplicas !== undefined) checkMinReplicas(minReplicas);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new LockConfigError('"signal" must be an AbortSignal.');
  }
  if (label !== undefined) checkLabel(label);
  if (warnAfter !== undefined) checkWarnAfter(warnAfter);
  if (nested !== undefined && !NESTED_CALLS.includes(nested)) {
    throw new LockConfigError(`"nested" must be 'join', 'refuse' or 'wait', but is ${show(nested)}.`);
  }
}

function checkMode(mode: unknown): void {
  if (mode === undefined || MODES.includes(mode)) return;
  throw new LockConfigError(`"mode" must be 'exclusive', 'fair', 'read' or 'write', but is ${show(mode)}.`);
}

function resolveMode(mode: LockMode | undefined, { exclusiveOnly = false }: StoreLimits): TakingMode | undefined {
  if (mode === undefined || mode === 'exclusive') return undefined;
  if (!exclusiveOnly) return mode;
  throw new LockConfigError(
    `mode: '${mode}' needs one Redis, Sentinel or a cluster: the independent nodes of a quorum have no common order of ` +
      `${mode === 'fair' ? 'callers' : 'readers and writers'}.`,
  );
}
