import type { Random } from './random.js';
import type { SimEvent, World } from './world.js';

/** Where every clock stands at virtual time 0, in ms since 1970. */
export const EPOCH_MS = 1_770_000_000_000;

/** Node fires a timer up to this much early, or late, in µs. */
const EARLY_US = 500;
const LATE_US = 2_000;

export type InputKind = 'timer' | 'message';

/** What `setTimeout` returns. */
export class SimTimer {
  event: SimEvent | null = null;
  active = true;
  /** As by `unref`: it does not keep the process running. */
  weak = false;

  constructor(
    readonly run: () => void,
    /** The library's own timer that this one serves. */
    readonly owner?: unknown,
  ) {}

  unref(): this {
    this.weak = true;
    return this;
  }

  ref(): this {
    this.weak = false;
    return this;
  }
}

/**
 * One replica of an application: clocks and timers of its own. While it is paused, timers that become due and messages
 * that arrive wait; when it goes on they all come at once.
 */
export class SimProcess {
  readonly timers = new Set<SimTimer>();
  /** The UUIDs made in this process: owners of its locks begin with one. */
  readonly ids: string[] = [];
  /** How many callers have begun in it. */
  callers = 0;
  alive = true;
  paused = false;
  /** When it last went on after a pause, in µs; 0: never paused. */
  resumedAt = 0;
  /** When it last woke from a sleep in which its monotonic clock stood still, in µs; `null`: never slept. */
  wokeAt: number | null = null;
  private readonly rate: number;
  private wallOffsetMs: number;
  private suspendedUs = 0;
  /** When, on the monotonic clock, the machine slept, and for how long. */
  private readonly sleeps: { mono: number; us: number }[] = [];
  private suspendedSince: number | null = null;
  private backlog: { kind: InputKind; run: () => void }[] = [];
  private readonly chance: Random;
  /** What the library's own randomness is made of. */
  readonly random: Random;

  constructor(
    readonly world: World,
    readonly id: number,
    environment: { readonly drift: number; readonly skewMs: number },
  ) {
    this.chance = world.random(`process ${id}`);
    this.random = world.random(`library ${id}`);
    this.rate = 1 + (this.chance.next() * 2 - 1) * environment.drift;
    this.wallOffsetMs = (this.chance.next() * 2 - 1) * environment.skewMs;
  }

  /** The monotonic clock in ms, as `performance.now()`. */
  mono(): number {
    const asleep = this.suspendedSince === null ? 0 : this.world.now - this.suspendedSince;
    return 1_000 + ((this.world.now - this.suspendedUs - asleep) * this.rate) / 1_000;
  }

  /** The virtual time in µs at which the monotonic clock showed `mono`. */
  timeOf(mono: number): number {
    let slept = 0;
    for (const sleep of this.sleeps) if (sleep.mono < mono) slept += sleep.us;
    return ((mono - 1_000) * 1_000) / this.rate + slept;
  }

  /** The wall clock in ms, as `Date.now()`. It goes on while the machine sleeps. */
  wall(): number {
    return Math.floor(EPOCH_MS + this.wallOffsetMs + (this.world.now * this.rate) / 1_000);
  }

  uuid(): string {
    const id = this.random.uuid();
    this.ids.push(id);
    return id;
  }

  stepWall(byMs: number): void {
    this.wallOffsetMs += byMs;
  }

  setTimeout(run: () => void, ms: number, owner?: unknown): SimTimer {
    const timer = new SimTimer(run, owner);
    if (!this.alive) return timer;
    this.timers.add(timer);
    const delay = Number.isFinite(ms) && ms >= 1 ? ms : 1;
    this.arm(timer, this.mono() + delay, this.chance.int(-EARLY_US, LATE_US));
    return timer;
  }

  clearTimeout(timer: SimTimer | null | undefined): void {
    if (timer === null || timer === undefined) return;
    timer.active = false;
    if (timer.event !== null) timer.event.run = null;
    this.timers.delete(timer);
  }

  /** Runs `run` in this process now, or when it goes on; never if it is dead by then. */
  deliver(kind: InputKind, run: () => void): void {
    if (!this.alive) return;
    if (this.paused) this.backlog.push({ kind, run });
    else run();
  }

  /** @param asleep whether the monotonic clock stands still meanwhile, as when a machine sleeps */
  pause(asleep: boolean): void {
    if (this.paused || !this.alive) return;
    this.paused = true;
    if (asleep) this.suspendedSince = this.world.now;
  }

  /** @param first which of the things that waited come first */
  resume(first: InputKind): void {
    if (!this.paused) return;
    this.paused = false;
    this.resumedAt = this.world.now;
    if (this.suspendedSince !== null) {
      this.sleeps.push({ mono: this.mono(), us: this.world.now - this.suspendedSince });
      this.suspendedUs += this.world.now - this.suspendedSince;
      this.suspendedSince = null;
      this.wokeAt = this.world.now;
    }
    const waiting = this.backlog;
    this.backlog = [];
    for (const inTurn of [true, false]) {
      for (const { kind, run } of waiting) {
        if ((kind === first) !== inTurn) continue;
        this.world.after(0, () => {
          this.deliver(kind, run);
        });
      }
    }
  }

  kill(): void {
    this.alive = false;
    this.backlog = [];
    for (const timer of [...this.timers]) {
      this.clearTimeout(timer);
      const { owner } = timer;
      if (owner instanceof Object && 'stop' in owner && typeof owner.stop === 'function') owner.stop();
    }
  }

  private arm(timer: SimTimer, dueMono: number, jitterUs: number): void {
    const inUs = ((dueMono - this.mono()) / this.rate) * 1_000 + jitterUs;
    timer.event = this.world.after(Math.max(0, inUs), () => {
      this.deliver('timer', () => {
        if (!timer.active) return;
        // The clock stood still meanwhile.
        if (this.mono() * 1_000 < dueMono * 1_000 - EARLY_US - 1) {
          this.arm(timer, dueMono, 0);
          return;
        }
        timer.active = false;
        this.timers.delete(timer);
        timer.run();
      });
    });
  }
}
