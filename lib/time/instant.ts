import { monotonic, wall } from './clock.js';

/** A moment on both clocks of this process, in ms. */
export interface Instant {
  /** The monotonic clock: never set back, but it stops while the machine sleeps. */
  readonly mono: number;
  /** The wall clock: it continues while the machine sleeps, but it can be set. */
  readonly wall: number;
}

export function now(): Instant {
  return { mono: monotonic(), wall: wall() };
}

/**
 * How long ago `then` was, in ms: the larger of both clocks. A lease counted this way ends early rather than late when
 * the machine slept or its clock was set forward, and is not prolonged when the clock is set back.
 */
export function elapsedSince(then: Instant): number {
  return Math.max(monotonic() - then.mono, wall() - then.wall);
}
