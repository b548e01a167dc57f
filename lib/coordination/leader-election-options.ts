import { LockConfigError } from '../errors/index.js';
import { checkKnown, checkLabel, checkLease } from '../options/checks.js';

/**
 * Options of `LeaderElection`; every duration is in ms.
 *
 * @publicApi
 */
export interface LeaderElectionOptions {
  /**
   * The length of the lease, which is renewed while a process leads. If the leader dies, the next one begins when its
   * lease ends; a leader that cannot renew its lease for this long ends its term. Default: that of the module.
   */
  readonly lease?: number;
  /**
   * What elections like this one have in common, for metrics and logs. 1 to 100 characters. Default: of `@WhileLeader`, the
   * name; else none.
   */
  readonly label?: string;
}

/**
 * Options of `LeaderElection.lead`.
 *
 * @publicApi
 */
export interface LeadOptions {
  /** Ends the campaign, and the term of the leader, when it aborts. */
  readonly signal?: AbortSignal;
}

/** @internal @throws LockConfigError that names the option */
export function checkElectionOptions(options: LeaderElectionOptions, what = 'LeaderElection'): LeaderElectionOptions {
  checkObject(what, options);
  checkKnown(what, options, ['lease', 'label']);
  const { lease, label } = options;
  return {
    ...(lease === undefined ? {} : { lease: checkLease('lease', lease) }),
    ...(label === undefined ? {} : { label: checkLabel(label) }),
  };
}

/** @internal @throws LockConfigError that names the option */
export function checkLeadOptions(options: LeadOptions): LeadOptions {
  checkObject('lead', options);
  checkKnown('lead', options, ['signal']);
  const { signal } = options;
  if (signal !== undefined && !((signal as unknown) instanceof AbortSignal)) {
    throw new LockConfigError('"signal" must be an AbortSignal.');
  }
  return options;
}

/** @internal @throws LockConfigError */
export function checkObject(what: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw new LockConfigError(`The options of ${what} must be an object.`);
}
