import { LockUnavailableError } from '../../errors/index.js';

/** The error if no majority replied. The message and `cause.errors` contain the failure of every node. */
export function unavailable(
  failures: ReadonlyMap<{ readonly label: string }, LockUnavailableError>,
  nodes: number,
  outcomeUnknown = false,
): LockUnavailableError {
  const each = [...failures].map(([{ label }, error]) => `${label}: ${error.reason}`);
  const errors = [...failures.values()];
  const what = `no majority of the ${String(nodes)} nodes agreed (${each.join(' | ') || 'none failed'}).`;
  return new LockUnavailableError(what, undefined, {
    cause: new AggregateError(errors, what),
    retryable: errors.length === 0 || errors.some(({ retryable }) => retryable),
    outcomeUnknown,
  });
}
