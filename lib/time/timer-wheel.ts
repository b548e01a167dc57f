/** One thing that becomes due at a time. An entry is in one wheel at most, once. */
export abstract class WheelEntry {
  /** @internal where the wheel keeps this entry */
  bucket: Set<WheelEntry> | null = null;

  /** Runs when the time has come; the entry is out of the wheel by then. Must not throw. */
  abstract onDue(): void;
}

const SLOT_MS = 4;
const SPARE_SLOTS = 64;
/** With more than this `setTimeout` fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Many due times, one timer. Adding and removing are O(1), so a wait limit or a lease costs no timer of its own.
 * Times are `performance.now()` milliseconds, rounded to slots of a few milliseconds.
 */
export class TimerWheel {
  private readonly slots = new Map<number, Set<WheelEntry>>();
  private readonly order: number[] = []; // a binary min-heap of the keys of `slots`
  private timer: NodeJS.Timeout | null = null;
  private armedFor = Infinity;
  private firingUpTo = -Infinity;
  private size = 0;

  /** @param keepsProcessAlive whether a pending entry keeps the process running */
  constructor(private readonly keepsProcessAlive: boolean) {}

  /** Due at `at` or up to a slot earlier. */
  addBefore(entry: WheelEntry, at: number): void {
    this.add(entry, Math.floor(at / SLOT_MS));
  }

  /** Due at `at` or up to a slot later. */
  addAfter(entry: WheelEntry, at: number): void {
    this.add(entry, Math.ceil(at / SLOT_MS));
  }

  remove(entry: WheelEntry): void {
    if (entry.bucket === null) return;
    entry.bucket.delete(entry);
    entry.bucket = null;
    this.size -= 1;
    if (this.size === 0 && this.keepsProcessAlive) this.clear();
    else if (this.slots.size > 2 * this.size + SPARE_SLOTS) this.dropEmptySlots();
  }

  /** Forgets all entries and stops the timer. */
  clear(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.armedFor = Infinity;
    for (const bucket of this.slots.values()) for (const entry of bucket) entry.bucket = null;
    this.slots.clear();
    this.order.length = 0;
    this.size = 0;
  }

  /** Most entries are removed long before they are due: without this their slots would pile up until then. */
  private dropEmptySlots(): void {
    for (const [slot, bucket] of this.slots) if (bucket.size === 0) this.slots.delete(slot);
    this.order.length = 0;
    // Sorted, and so a heap.
    for (const slot of [...this.slots.keys()].sort((a, b) => a - b)) this.order.push(slot);
  }

  private add(entry: WheelEntry, wanted: number): void {
    this.remove(entry);
    // What is added while a slot fires waits for the next one, or a callback that adds itself again would never end.
    const slot = Math.max(wanted, this.firingUpTo + 1);
    let bucket = this.slots.get(slot);
    if (bucket === undefined) {
      bucket = new Set();
      this.slots.set(slot, bucket);
      push(this.order, slot);
    }
    bucket.add(entry);
    entry.bucket = bucket;
    this.size += 1;
    if (slot < this.armedFor) this.arm(slot);
  }

  private arm(slot: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.armedFor = slot;
    const delay = Math.min(Math.max(0, Math.ceil(slot * SLOT_MS - performance.now())), MAX_TIMER_MS);
    this.timer = setTimeout(this.onTimer, delay);
    if (!this.keepsProcessAlive) this.timer.unref();
  }

  private readonly onTimer = (): void => {
    this.timer = null;
    this.armedFor = Infinity;
    // Node may fire a timer a fraction of a millisecond early.
    const current = Math.floor((performance.now() + 1) / SLOT_MS);
    this.firingUpTo = current;
    for (let slot = this.order[0]; slot !== undefined && slot <= current; slot = this.order[0]) {
      pop(this.order);
      const bucket = this.slots.get(slot);
      this.slots.delete(slot);
      if (bucket !== undefined) this.fire(bucket);
    }
    this.firingUpTo = -Infinity;
    const next = this.order[0];
    if (next !== undefined && next < this.armedFor) this.arm(next);
  };

  private fire(bucket: Set<WheelEntry>): void {
    for (const entry of bucket) {
      bucket.delete(entry);
      entry.bucket = null;
      this.size -= 1;
      entry.onDue();
    }
    if (this.size === 0 && this.keepsProcessAlive) this.clear();
  }
}

function push(heap: number[], value: number): void {
  let child = heap.push(value) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent] as number;
    if (above <= value) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = value;
}

function pop(heap: number[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
    const below = heap[child] as number;
    if (below >= last) break;
    heap[parent] = below;
    parent = child;
  }
  heap[parent] = last;
}
