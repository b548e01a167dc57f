import { LinkedList, type Linked } from '../lists/linked-list.js';
import { monotonic } from './clock.js';
import { onNextTurn } from './ticks.js';
import { Timer } from './timer.js';

const SPARE_LISTS = 16;

/** Something that has to be over in a time. It is among the `Deadlines` of one owner at most, once. */
export abstract class Deadline implements Linked<Deadline> {
  /** @internal */
  list: LinkedList<Deadline> | null = null;
  /** @internal */
  previous: Deadline | null = null;
  /** @internal */
  next: Deadline | null = null;
  /** @internal */
  dueAt = 0;

  /** Runs when the time is over; it is not among the deadlines any more by then. Must not throw. */
  abstract onDue(): void;
}

/**
 * Time limits of things that begin one after another, most of them with one of a few limits and over long before it: those
 * of the same limit are due in the order they began, so each limit has a list, and one timer looks at what is first.
 *
 * The timer stays when all is over, since more will soon begin; at its time it looks, and ends if there is nothing.
 */
export class Deadlines<Entry extends Deadline> {
  /** How many are pending. */
  size = 0;
  private readonly lists = new Map<number, LinkedList<Deadline>>();
  private recent: { readonly limitMs: number; readonly list: LinkedList<Deadline> } | null = null;
  private readonly timer = new Timer(() => {
    this.onTimer();
  });
  private armedFor = Infinity;
  private resting = false;

  /** @param from when it began, on the monotonic clock: now, or a moment ago */
  add(entry: Entry, from: number, limitMs: number): void {
    this.resting = false;
    entry.dueAt = from + limitMs;
    this.listOf(limitMs).push(entry);
    this.size += 1;
    if (entry.dueAt < this.armedFor) this.arm(entry.dueAt);
  }

  remove(entry: Entry): void {
    if (entry.list?.remove(entry) !== true) return;
    this.size -= 1;
    if (this.resting && this.size === 0) this.disarm();
  }

  /** All that is not over, and not due. */
  entries(): Entry[] {
    return [...this.lists.values()].flatMap((list) => list.entries()) as Entry[];
  }

  /** Nothing more is likely to begin soon: the timer stops when nothing is pending any more. */
  rest(): void {
    this.resting = true;
    if (this.size === 0) this.disarm();
  }

  private listOf(limitMs: number): LinkedList<Deadline> {
    if (this.recent?.limitMs === limitMs) return this.recent.list;
    let list = this.lists.get(limitMs);
    if (list === undefined) {
      if (this.lists.size >= SPARE_LISTS) this.dropEmptyLists();
      list = new LinkedList();
      this.lists.set(limitMs, list);
    }
    this.recent = { limitMs, list };
    return list;
  }

  private dropEmptyLists(): void {
    for (const [limitMs, { size }] of this.lists) if (size === 0) this.lists.delete(limitMs);
  }

  /** When the first of all is due. */
  private first(): number {
    let first = Infinity;
    for (const list of this.lists.values()) if (list.first !== null) first = Math.min(first, list.first.dueAt);
    return first;
  }

  private arm(at: number): void {
    this.armedFor = at;
    this.timer.start(Math.max(1, Math.ceil(at - monotonic())));
  }

  private disarm(): void {
    this.timer.stop();
    this.armedFor = Infinity;
  }

  private onTimer(): void {
    this.armedFor = Infinity;
    // After a stall, timers fire before the sockets are read, though the reply may be waiting there.
    if (this.first() <= monotonic()) onNextTurn(this.fire);
    else this.fire();
  }

  private readonly fire = (): void => {
    const now = monotonic();
    for (const list of [...this.lists.values()]) {
      for (let { first } = list; first !== null && first.dueAt <= now; { first } = list) {
        list.remove(first);
        this.size -= 1;
        first.onDue();
      }
    }
    const next = this.first();
    if (next < this.armedFor) this.arm(next);
  };
}
