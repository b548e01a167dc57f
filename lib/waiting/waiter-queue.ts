import type { Waiter } from './waiter.js';

/** First in, first out; a waiter may leave from anywhere. Every step is O(1). */
export class WaiterQueue {
  size = 0;
  first: Waiter | null = null;
  private last: Waiter | null = null;

  push(waiter: Waiter): void {
    waiter.queued = true;
    waiter.previous = this.last;
    if (this.last === null) this.first = waiter;
    else this.last.next = waiter;
    this.last = waiter;
    this.size += 1;
  }

  /** Takes a waiter out. `false` if it was not in any more. */
  remove(waiter: Waiter): boolean {
    if (!waiter.queued) return false;
    waiter.queued = false;
    if (waiter.previous === null) this.first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === null) this.last = waiter.previous;
    else waiter.next.previous = waiter.previous;
    waiter.previous = null;
    waiter.next = null;
    this.size -= 1;
    return true;
  }
}
