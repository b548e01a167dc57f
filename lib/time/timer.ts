import { inServiceContext } from '../context/service-context.js';
import { LinkedList, type Linked } from '../lists/linked-list.js';
import { advanceTo, monotonic, realNow, skip, watchTimers } from './clock.js';
import { isNodes, realTimeout } from './fakes.js';
import { onAbort } from './on-abort.js';

/** With a longer time `setTimeout` fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How often the real clock is checked while fake timers are installed, in ms. */
const GUARD_MS = 25;

/** The functions that a timer was started with. A handle is cleared by the function that belongs to it. */
interface Source {
  readonly start: typeof setTimeout;
  readonly stop: typeof clearTimeout;
  readonly fake: boolean;
}

/** All timers that run. */
const running = new LinkedList<Timer>();
let source = globalSource();
let guard: { readonly handle: NodeJS.Timeout | undefined } | null = null;
watchTimers(followGlobals);

/**
 * A timer that can be started any number of times. It runs in the context of the service, regardless of the caller that
 * starts it.
 *
 * It is started with the global `setTimeout`, so that a test can advance it with fake timers. When fake timers are
 * installed or removed, running timers move to the functions that are global then. With fake timers, the timer also
 * fires when its time has passed on the real clock, so a fake clock that is never advanced, or that drops its timers,
 * has no effect.
 */
export class Timer implements Linked<Timer> {
  /** @internal */
  list: LinkedList<Timer> | null = null;
  /** @internal */
  previous: Timer | null = null;
  /** @internal */
  next: Timer | null = null;
  private handle: ReturnType<typeof setTimeout> | undefined;
  private startedBy = source;
  /** @internal When it is due, on the monotonic clock. */
  dueAt = 0;
  /** The same on the real clock. */
  private reallyDueAt = 0;
  /** Counts the starts: a handle that could not be cleared may still fire. */
  private shot = 0;

  /**
   * @param onDue must not throw
   * @param keepsProcessAlive whether the process stays alive while the timer runs
   */
  constructor(
    private readonly onDue: () => void,
    public keepsProcessAlive = true,
  ) {}

  get running(): boolean {
    return this.list !== null;
  }

  /** Starts the timer, or restarts it. It is due in `ms`, or after 24.8 days if that is sooner. */
  start(ms: number): this {
    this.stop();
    followGlobals();
    const delay = Math.min(Math.max(ms, 0), MAX_TIMER_MS);
    this.dueAt = monotonic() + delay;
    this.reallyDueAt = realNow() + delay;
    running.push(this);
    this.arm(delay);
    return this;
  }

  /** Has no effect if it does not run. */
  stop(): void {
    if (!running.remove(this)) return;
    this.disarm();
  }

  /** From now on the process stays alive while the timer runs. */
  ref(): void {
    if (this.keepsProcessAlive) return;
    this.keepsProcessAlive = true;
    keepAlive(this.handle, true);
    if (this.running && source.fake) startGuard(true);
  }

  /** From now on the timer does not keep the process alive. */
  unref(): void {
    if (!this.keepsProcessAlive) return;
    this.keepsProcessAlive = false;
    keepAlive(this.handle, false);
  }

  /** @internal Moves the timer to the functions that are global now. */
  move(): void {
    if (this.startedBy !== source) this.rearm();
  }

  /** @internal Sets it again for the time that is left. */
  rearm(): void {
    this.disarm();
    this.arm(Math.max(0, Math.ceil(this.dueAt - monotonic())));
  }

  /** @internal Fires if its time has passed on the real clock, even if it has not on the fake clock. */
  fireIfDue(): void {
    if (this.running && realNow() >= this.reallyDueAt) this.fire();
  }

  /** @internal */
  fire(shot = this.shot): void {
    if (shot !== this.shot || !running.remove(this)) return;
    this.disarm();
    // A test may fake the timers and not the clock: then the clock has to be advanced here.
    followGlobals();
    if (this.startedBy.fake) advanceTo(this.dueAt);
    this.onDue();
  }

  private arm(ms: number): void {
    this.startedBy = source;
    this.shot += 1;
    this.handle = inServiceContext(startTimer, undefined, this, ms, this.shot);
    if (!this.keepsProcessAlive) keepAlive(this.handle, false);
    if (source.fake) startGuard(this.keepsProcessAlive);
  }

  private disarm(): void {
    const { start, stop, fake } = this.startedBy;
    // Fakes that are removed have dropped the handle: node:test would clear another timer in its place.
    if (!fake || start === setTimeout) stop(this.handle);
    this.handle = undefined;
  }
}

/** Resolves after `ms`, or earlier when `signal` aborts. With a `signal` it does not keep the process alive. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.stop();
      unlink();
      resolve();
    };
    const timer = new Timer(end, signal === undefined).start(ms);
    const unlink = onAbort(signal, end);
  });
}

/**
 * For tests: skips the time until the next timer is due, and fires it. If none is due before `end`, it skips the time until
 * then, and returns `false`.
 *
 * @param end on the monotonic clock
 */
export function skipToNextTimer(end: number): boolean {
  followGlobals();
  const due = running.entries().filter(({ dueAt }) => dueAt <= end);
  const [first] = due.sort((one, other) => one.dueAt - other.dueAt);
  skip(Math.max(0, (first?.dueAt ?? end) - monotonic()));
  for (const timer of running.entries()) timer.rearm();
  if (first === undefined) return false;
  inServiceContext(() => {
    first.fire();
  });
  return true;
}

function globalSource(): Source {
  return { start: setTimeout, stop: clearTimeout, fake: !isNodes(setTimeout) };
}

/** Detects that fake timers were installed or removed. */
function followGlobals(): void {
  if (source.start === setTimeout) return;
  source = globalSource();
  for (const timer of running.entries()) timer.move();
}

function startTimer(timer: Timer, ms: number, shot: number): ReturnType<typeof setTimeout> {
  return source.start(() => onTimer(timer, shot), ms);
}

function onTimer(timer: Timer, shot: number): void {
  // Fake timers fire in the async context of the code that advances them.
  const fire = (): void => {
    timer.fire(shot);
  };
  if (source.fake) inServiceContext(fire);
  else fire();
}

/** Checks the real clock at intervals: fake timers that are removed drop their timers without a sign. */
function startGuard(keepsProcessAlive: boolean): void {
  guard ??= { handle: inServiceContext(realTimeout, undefined, onGuard, GUARD_MS) };
  if (keepsProcessAlive) keepAlive(guard.handle, true);
}

function onGuard(): void {
  guard = null;
  // A test runner removes its globals at the end of a test file.
  if (typeof setTimeout !== 'function') return;
  followGlobals();
  if (!source.fake) return;
  for (const timer of running.entries()) timer.fireIfDue();
  const timers = running.entries();
  if (timers.length > 0) startGuard(timers.some((timer) => timer.keepsProcessAlive));
}

/** Fakes may return a number. */
function keepAlive(handle: unknown, keeps: boolean): void {
  if (typeof handle === 'object' && handle !== null) {
    const timer = handle as Partial<NodeJS.Timeout>;
    if (keeps) timer.ref?.();
    else timer.unref?.();
  }
}
