import { monotonic } from './clock.js';
import { onNextTurn } from './ticks.js';
import { Timer } from './timer.js';

/** How many entries fire in one turn of the event loop; the rest fires after input was read. */
const PER_TURN = 256;
/** A timer that fires this much late, in ms, fires after a stall of the event loop. */
const STALL_MS = 5;

/** Something that becomes due at a time. It is in one `Deadlines` at most, once. */
export abstract class Deadline {
  /** @internal where it is in the heap; -1: nowhere */
  place = -1;
  /** @internal */
  dueAt = 0;
  /** @internal the later of two that are due at the same time has the larger one */
  order = 0;

  /** Whether it has to become due. */
  get pending(): boolean {
    return this.place >= 0;
  }

  /** Runs when the time has come; it is not pending any more by then. Must not throw. */
  abstract onDue(): void;
}

/** How `Deadlines` treat their timer. */
export interface DeadlinesOptions {
  /** Whether what is pending keeps the process running. Default: yes. */
  readonly keepsProcessAlive?: boolean;
  /** What is due within this many ms fires along with what is due, so that it can share a request. Default: 0. */
  readonly togetherMs?: number;
}

/**
 * Any number of times on the monotonic clock, with one timer for all of them. They are in a binary heap: the children of
 * place n are at 2n + 1 and 2n + 2, and due no sooner than it.
 *
 * Most are removed long before they are due. The timer stays as it is then, since the next one is usually due later; when
 * it fires and nothing is due, it is set again.
 */
export class Deadlines<Entry extends Deadline = Deadline> {
  private readonly heap: Entry[] = [];
  private readonly keepsProcessAlive: boolean;
  private readonly togetherMs: number;
  private readonly timer: Timer;
  private armedFor = Infinity;
  /** Whether entries fire in the next turn of the event loop. */
  private firesNext = false;
  /** What is added while entries fire is due after this, or an entry that adds itself again would never let others go on. */
  private firingUpTo = -Infinity;
  private added = 0;
  private resting = false;

  constructor({ keepsProcessAlive = true, togetherMs = 0 }: DeadlinesOptions = {}) {
    this.keepsProcessAlive = keepsProcessAlive;
    this.togetherMs = togetherMs;
    this.timer = new Timer(() => {
      this.onTimer();
    }, keepsProcessAlive);
  }

  /** How many are pending. */
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
    if (entry.dueAt < this.armedFor) this.arm(entry.dueAt);
    else if (this.heap.length === 1 && this.keepsProcessAlive) this.timer.ref();
  }

  /** Nothing happens if it is not pending. */
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

  /** All that is pending. */
  entries(): Entry[] {
    return [...this.heap];
  }

  /** Nothing is likely to be added soon: the timer ends as soon as nothing is pending. */
  rest(): void {
    this.resting = true;
    if (this.heap.length === 0) this.disarm();
  }

  /** Forgets all that is pending and stops the timer. */
  clear(): void {
    for (const entry of this.heap) entry.place = -1;
    this.heap.length = 0;
    this.disarm();
  }

  /** Puts an entry where it belongs from the place that it has. */
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
    // What is due now goes along with what still has to fire from before.
    if (this.firesNext) return;
    // After a stall, timers fire before the sockets are read, though a reply may be waiting there.
    if (stalled) this.fireNext();
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

  /** An immediate that does not keep the process alive would wait for the next timer or input, however long that takes. */
  private fireNext(): void {
    this.firesNext = true;
    onNextTurn(this.fire);
  }
}

function isBefore(entry: Deadline, other: Deadline): boolean {
  return entry.dueAt < other.dueAt || (entry.dueAt === other.dueAt && entry.order < other.order);
}
