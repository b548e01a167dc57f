import { LockConfigError, LockUnavailableError } from '../../errors/index.js';

/** Whether only an operator can solve the problem. */
export function isFinal(problem: Error | undefined): boolean {
  return problem instanceof LockConfigError || (problem instanceof LockUnavailableError && !problem.retryable);
}

/** Whether the server rejected the user or the password of a new connection. */
export function isRejectedLogin(trouble: Error | undefined): trouble is Error {
  return trouble !== undefined && /\b(WRONGPASS|NOAUTH|NOPERM)\b|^ERR invalid password/.test(trouble.message);
}

/** The problem as part of a sentence. */
export function reasonOf(problem: Error): string {
  const reason = problem instanceof LockUnavailableError ? problem.reason : problem.message;
  return (reason === '' ? problem.name : reason).replace(/\.$/, '');
}
