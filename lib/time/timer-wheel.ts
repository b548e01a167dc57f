import { pop, push } from './min-heap.js';
import { onNextTurn } from './ticks.js';
import { Timer } from './timer.js';
import { monotonic } from './clock.js';

/** One thing that becomes due at a time. An entry is in one wheel at most, once. */
export abstract class WheelEntry {
  /** @internal where the wheel keeps this entry, and its neighbours there */
  bucket: Bucket | null = null;
  /** @internal */
  before: WheelEntry | null = null;
  /** @internal */
  after: WheelEntry | null = null;

  /** Runs when the time has come; the entry is out of the wheel by then. Must not throw. */
  abstract onDue(): void;
}

/** The entries of one slot, as a linked list: adding and removing allocates nothing. */
class Bucket {
  first: WheelEntry | null = null;
  private last: WheelEntry | null = null;

  add(entry: WheelEntry): void {
    entry.bucket = this;
    entry.before = this.last;
    if (this.last === null) this.first = entry;
    else this.last.after = entry;
    this.last = entry;
  }

  remove(entry: WheelEntry): void {
    if (entry.before === null) this.first = entry.after;
    else entry.before.after = entry.after;
    if (entry.after === null) this.last = entry.before;
    else entry.after.before = entry.before;
    entry.bucket = entry.before = entry.after = null;
  }

  clear(): void {
    while (this.first !== null) this.remove(this.first);
  }
}

const SLOT_MS = 4;
const SPARE_SLOTS = 16;
/** How many entries fire in one turn of the event loop; what is left goes on after input was read. */
const TURN = 256;
/** A timer that fires this much late, in ms, fires after a stall of the event loop. */
const STALL_MS = 20;

/**
 * Many due times, one timer. Adding and removing are O(1), so a wait limit or a lease costs no timer of its own.
 * Times are `monotonic()` milliseconds, rounded to slots of a few milliseconds.
 */
export class TimerWheel<Entry extends WheelEntry = WheelEntry> {
  private readonly slots = new Map<number, Bucket>();
  private readonly order: number[] = []; // a binary min-heap of the keys of `slots`
  private readonly timer: Timer;
  private armedFor = Infinity;
  /** Whether the rest of what is due fires in the next turn. */
  private goesOn = false;
  private firing: Bucket | null = null;
  private firingUpTo = -Infinity;
  private size = 0;

  /** @param keepsProcessAlive whether a pending entry keeps the process running */
  constructor(private readonly keepsProcessAlive: boolean) {
    this.timer = new Timer(() => {
      this.onTimer();
    }, keepsProcessAlive);
  }

  /** Due at `at` or up to a slot earlier. */
  addBefore(entry: Entry, at: number): void {
    this.add(entry, Math.floor(at / SLOT_MS));
  }

  /** Due at `at` or up to a slot later. */
  addAfter(entry: Entry, at: number): void {
    this.add(entry, Math.ceil(at / SLOT_MS));
  }

  remove(entry: Entry): void {
    if (entry.bucket === null) return;
    entry.bucket.remove(entry);
    this.size -= 1;
    if (this.size === 0) this.rest();
    else if (this.slots.size > 2 * this.size + SPARE_SLOTS) this.dropEmptySlots();
  }

  /** All entries that are pending now. */
  entries(): Entry[] {
    const entries: WheelEntry[] = [];
    const add = (first: WheelEntry | null): void => {
      for (let entry = first; entry !== null; entry = entry.after) entries.push(entry);
    };
    // The slot that fires just now is not among the others.
    if (this.firing !== null) add(this.firing.first);
    for (const { first } of this.slots.values()) add(first);
    return entries as Entry[];
  }

  /** Forgets all entries and stops the timer. */
  clear(): void {
    this.disarm();
    this.firing?.clear();
    for (const bucket of this.slots.values()) bucket.clear();
    this.slots.clear();
    this.order.length = 0;
    this.size = 0;
  }

  /**
   * Nothing is pending. The timer stays, since the next entry will soon come and be due later than it, but lets the
   * process end.
   */
  private rest(): void {
    this.timer.unref();
    if (this.slots.size > SPARE_SLOTS) this.dropEmptySlots();
  }

  /** Most entries are removed long before they are due: without this their slots would pile up until then. */
  private dropEmptySlots(): void {
    for (const [slot, bucket] of this.slots) if (bucket.first === null) this.slots.delete(slot);
    this.order.length = 0;
    // Sorted, and so a heap.
    for (const slot of [...this.slots.keys()].sort((a, b) => a - b)) this.order.push(slot);
  }

  private add(entry: Entry, wanted: number): void {
    if (entry.bucket !== null) this.remove(entry);
    // What is added while a slot fires waits for the next one, or a callback that adds itself again would never end.
    const slot = Math.max(wanted, this.firingUpTo + 1);
    let bucket = this.slots.get(slot);
    if (bucket === undefined) {
      bucket = new Bucket();
      this.slots.set(slot, bucket);
      push(this.order, slot);
    }
    bucket.add(entry);
    this.size += 1;
    if (slot < this.armedFor) this.arm(slot);
    else if (this.size === 1 && this.keepsProcessAlive) this.timer.ref();
  }

  private arm(slot: number): void {
    this.armedFor = slot;
    this.timer.start(Math.ceil(slot * SLOT_MS - monotonic()));
    if (this.keepsProcessAlive) this.timer.ref();
  }

  private disarm(): void {
    this.timer.stop();
    this.armedFor = Infinity;
  }

  private onTimer(): void {
    const stalled = monotonic() - this.armedFor * SLOT_MS > STALL_MS;
    this.armedFor = Infinity;
    // What is due now goes along with what still has to fire from before.
    if (this.goesOn) return;
    // After a stall, timers fire before the sockets are read, though a grant or a renewal may be waiting there.
    if (stalled) this.goOn();
    else this.fire();
  }

  private readonly fire = (): void => {
    this.goesOn = false;
    // Node may fire a timer a fraction of a millisecond early: then nothing is due yet, and the rest is waited for, too.
    const current = Math.floor(monotonic() / SLOT_MS);
    this.firingUpTo = current;
    let left = TURN;
    for (let slot = this.order[0]; slot !== undefined && slot <= current && left > 0; slot = this.order[0]) {
      left = this.fireSlot(slot, left);
    }
    this.firingUpTo = -Infinity;
    if (this.size === 0) {
      this.rest();
      return;
    }
    const next = this.order[0] as number;
    if (next <= current) this.goOn();
    else if (next < this.armedFor) this.arm(next);
  };

  /** Returns how many more entries may fire in this turn. */
  private fireSlot(slot: number, limit: number): number {
    const bucket = this.slots.get(slot) as Bucket;
    pop(this.order);
    this.slots.delete(slot);
    this.firing = bucket;
    let left = limit;
    for (let entry = bucket.first; entry !== null && left > 0; entry = bucket.first) {
      bucket.remove(entry);
      this.size -= 1;
      left -= 1;
      entry.onDue();
    }
    this.firing = null;
    if (bucket.first !== null) {
      this.slots.set(slot, bucket);
      push(this.order, slot);
    }
    return left;
  }

  /** An immediate that does not keep the process alive would wait for the next timer or input, however long that takes. */
  private goOn(): void {
    this.goesOn = true;
    onNextTurn(this.fire);
  }
}
