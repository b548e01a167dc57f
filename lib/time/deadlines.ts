import { monotonic } from './clock.js';
import { onNextTurn } from './ticks.js';
import { Timer } from './timer.js';

/** How many entries fire in one iteration of the event loop; the rest fires after input was read. */
const PER_TURN = 256;
/** A timer that fires this much late, in ms, fires after a stall of the event loop. */
const STALL_MS = 5;

/** Something that becomes due at a time. It is in at most one `Deadlines`, once. */
export abstract class Deadline {
  /** @internal Its place in the heap; -1 if it is not in a heap. */
  place = -1;
  /** @internal */
  dueAt = 0;
  /** @internal The order of adding, for entries that are due at the same time. */
  order = 0;

  /** Whether it is waiting to become due. */
  get pending(): boolean {
    return this.place >= 0;
  }

  /** Runs when it is due; it is no longer pending then. Must not throw. */
  abstract onDue(): void;
}

/** How `Deadlines` treat their timer. */
export interface DeadlinesOptions {
  /** Whether pending entries keep the process alive. Default `true`. */
  readonly keepsProcessAlive?: boolean;
  /** Entries that are due within this time fire together, so that they can share a request, in ms. Default 0. */
  readonly togetherMs?: number;
  /** Whether entries fire only after sockets were read, and not just after a stall of the event loop. Default `false`. */
  readonly afterInput?: boolean;
}

/**
 * Any number of deadlines on the monotonic clock, with one timer for all of them. They are in a binary heap: the
 * children of place n are at 2n + 1 and 2n + 2, and due no sooner than it.
 *
 * Most entries are removed long before they are due. The timer is not changed then; if it fires and nothing is due, it
 * is set again.
 */
export class Deadlines<Entry extends Deadline = Deadline> {
  private readonly heap: Entry[] = [];
  private readonly keepsProcessAlive: boolean;
  private readonly togetherMs: number;
  private readonly afterInput: boolean;
  private readonly timer: Timer;
  private armedFor = Infinity;
  /** Whether entries fire in the next iteration of the event loop. */
  private firesNext = false;
  /**
   * Entries that are added during a firing are due after this time: an entry that adds itself again would otherwise
   * block the event loop.
   */
  private firingUpTo = -Infinity;
  private added = 0;
  private resting = false;

  constructor({ keepsProcessAlive = true, togetherMs = 0, afterInput = false }: DeadlinesOptions = {}) {
    this.keepsProcessAlive = keepsProcessAlive;
    this.afterInput = afterInput;
    this.togetherMs = togetherMs;
    this.timer = new Timer(() => {
      this.onTimer();
    }, keepsProcessAlive);
  }

  /** The number of pending entries. */
  get size(): number {
    return this.heap.length;
  }

  /** Adds an entry, or moves it to another time. */
  add(entry: Entry, at: number): void {
    this.resting = false;
    entry.dueAt = at > this.firingUpTo ? at : this.firingUpTo + 1;
    entry.order = this.added += 1;
    if (entry.pending) this.sift(entry);
    else this.riseFrom(this.heap.length, entry);
    if (entry.dueAt < this.armedFor && !this.firesSoon) this.arm(entry.dueAt);
    else if (this.heap.length === 1 && this.keepsProcessAlive) this.timer.ref();
  }

  /** Whether the timer is due: to start it again would only delay what it is for. */
  private get firesSoon(): boolean {
    return this.armedFor !== Infinity && this.armedFor <= monotonic() + 1;
  }

  /** Has no effect if the entry is not pending. */
  remove(entry: Entry): void {
    if (!entry.pending) return;
    const last = this.heap.pop() as Entry;
    if (last !== entry) {
      last.place = entry.place;
      this.sift(last);
    }
    entry.place = -1;
    if (this.heap.length > 0) return;
    this.timer.unref();
    if (this.resting) this.disarm();
  }

  /** The pending entries. */
  entries(): Entry[] {
    return [...this.heap];
  }

  /** Called when no entry is likely to be added soon: the timer is stopped as soon as nothing is pending. */
  rest(): void {
    this.resting = true;
    if (this.heap.length === 0) this.disarm();
  }

  /** Removes all entries and stops the timer. */
  clear(): void {
    for (const entry of this.heap) entry.place = -1;
    this.heap.length = 0;
    this.disarm();
  }

  /** Moves an entry from its place to its position in the heap. */
  private sift(entry: Entry): void {
    const { place } = entry;
    this.riseFrom(place, entry);
    if (entry.place === place) this.sinkFrom(place, entry);
  }

  private riseFrom(place: number, entry: Entry): void {
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      this.put(above, place);
      place = parent;
    }
    this.put(entry, place);
  }

  private sinkFrom(place: number, entry: Entry): void {
    for (;;) {
      const left = this.heap[2 * place + 1];
      if (left === undefined) break;
      const right = this.heap[2 * place + 2];
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, entry)) break;
      const below = child.place;
      this.put(child, place);
      place = below;
    }
    this.put(entry, place);
  }

  private put(entry: Entry, place: number): void {
    this.heap[place] = entry;
    entry.place = place;
  }

  private arm(at: number): void {
    this.armedFor = at;
    this.timer.start(Math.ceil(at - monotonic()));
    if (this.keepsProcessAlive) this.timer.ref();
  }

  private disarm(): void {
    this.timer.stop();
    this.armedFor = Infinity;
  }

  private onTimer(): void {
    const stalled = monotonic() - this.armedFor > STALL_MS;
    this.armedFor = Infinity;
    // Entries that are due now fire with the rest of the previous batch.
    if (this.firesNext) return;
    // After a stall, timers fire before sockets are read, and a reply may be waiting there.
    if (stalled || this.afterInput) this.fireNext();
    else this.fire();
  }

  private readonly fire = (): void => {
    this.firesNext = false;
    this.firingUpTo = monotonic() + this.togetherMs;
    for (let left = PER_TURN; left > 0; left -= 1) {
      const [first] = this.heap;
      if (first === undefined || first.dueAt > this.firingUpTo) break;
      this.remove(first);
      first.onDue();
    }
    const [next] = this.heap;
    if (next !== undefined && next.dueAt <= this.firingUpTo) this.fireNext();
    else if (next !== undefined && next.dueAt < this.armedFor) this.arm(next.dueAt);
    this.firingUpTo = -Infinity;
  };

  /**
   * Uses an immediate that keeps the process alive: Node would run an unreferenced one only after the next timer or
   * input.
   */
  private fireNext(): void {
    this.firesNext = true;
    onNextTurn(this.fire);
  }
}

function isBefore(entry: Deadline, other: Deadline): boolean {
  return entry.dueAt < other.dueAt || (entry.dueAt === other.dueAt && entry.order < other.order);
}
