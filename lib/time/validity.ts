import { elapsedSince, type Instant } from './instant.js';

const DRIFT_SHARE = 0.01;
const DRIFT_MS = 2;

/** How long a lease of `leaseMs` may be relied on here: less 1 % and 2 ms, for clocks that run at different speeds. */
export function validityOf(leaseMs: number): number {
  return leaseMs - leaseMs * DRIFT_SHARE - DRIFT_MS;
}

/** Whether a lease of `leaseMs` that was requested at `sentAt` may be relied on now. */
export function isValid(leaseMs: number, sentAt: Instant): boolean {
  return validityOf(leaseMs) > elapsedSince(sentAt);
}
