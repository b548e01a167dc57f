import { isNodes } from './fakes.js';

/** The clock when this module was loaded: Node's own, unless fake timers were installed then. */
const foundClock = performance;
const foundNow = Reflect.get<typeof performance, 'now'>(performance, 'now');
const foundFakes = !isNodes(setTimeout);

/** How far fake clocks have run ahead of the real one, in ms. It never decreases. */
let ahead = 0;
/** The fake clock that is installed, and how far it was ahead of the real one when it was first seen. */
let fake: { readonly now: unknown; readonly difference: number; readonly ahead: number } | null = null;

/** How much time a test has skipped, in ms. */
let skipped = 0;

let seenTimeout = setTimeout;
let onReplaced: () => void = () => undefined;

let wallNow = Date.now;
let wallOffset = 0;

/**
 * Milliseconds on a clock that is never set back and never runs slower than the real one, like `performance.now()`. A
 * test may install and remove fake timers at any time: when it advances a fake clock, this clock advances as well.
 */
export function monotonic(): number {
  if (performance.now === foundNow && setTimeout === seenTimeout && fake === null && !foundFakes) {
    return performance.now() + ahead;
  }
  return besideFakes();
}

/** Called when a fake timer fires: the time for which it was set has come, even if the fake clock does not show it. */
export function advanceTo(time: number): void {
  ahead += Math.max(0, time - monotonic());
}

/** For tests: sets all clocks of this module forward, in addition to what a fake clock is advanced by. */
export function skip(ms: number): void {
  // What a fake clock was advanced by until now comes first.
  monotonic();
  wall();
  ahead += ms;
  skipped += ms;
  wallOffset += ms;
  if (fake !== null) fake = { ...fake, ahead: fake.ahead + ms };
}

/**
 * Milliseconds of wall-clock time, like `Date.now()`: it continues while the machine sleeps, and jumps when the clock
 * is set. It does not jump when a test replaces `Date`.
 */
export function wall(): number {
  if (Date.now !== wallNow) replaceWall();
  return Date.now() + wallOffset;
}

/** `listener` runs when fake timers are found to have been installed or removed. There is one listener. */
export function watchTimers(listener: () => void): void {
  onReplaced = listener;
}

function besideFakes(): number {
  const real = realNow() - skipped;
  if (performance.now === foundNow && !foundFakes) fake = null;
  else {
    const difference = performance.now() - real;
    if (fake?.now !== performance.now) fake = { now: Reflect.get(performance, 'now'), difference, ahead };
    ahead = Math.max(ahead, fake.ahead + difference - fake.difference);
  }
  if (setTimeout !== seenTimeout) {
    seenTimeout = setTimeout;
    onReplaced();
  }
  return real + ahead;
}

/** Milliseconds on the real clock and of `skip`, even with fake timers: none of them replaces `process.uptime`. */
export function realNow(): number {
  return skipped + (foundFakes ? process.uptime() * 1_000 : Reflect.apply(foundNow, foundClock, []));
}

function replaceWall(): void {
  const offset = wallNow() + wallOffset - Date.now();
  wallNow = Date.now;
  // A mock of `Date.now` returns `undefined` after it was restored.
  wallOffset = Number.isFinite(offset) ? offset : 0;
}
