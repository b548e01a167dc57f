import { elapsedSince, type Instant } from './instant.js';

const DRIFT_SHARE = 0.01;
const DRIFT_MS = 2;

/** How long this process can rely on a lease of `leaseMs`: 1 % and 2 ms less, to allow for clock drift. */
export function validityOf(leaseMs: number): number {
  return leaseMs - leaseMs * DRIFT_SHARE - DRIFT_MS;
}

/** Whether a lease of `leaseMs` that was requested at `sentAt` can be relied on now. */
export function isValid(leaseMs: number, sentAt: Instant): boolean {
  return validityOf(leaseMs) > elapsedSince(sentAt);
}
