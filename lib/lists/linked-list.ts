/** What can stand in a list. It is in one list at most. */
export interface Linked<Self extends Linked<Self>> {
  /** @internal the list it is in, and its neighbours there */
  list: LinkedList<Self> | null;
  /** @internal */
  previous: Self | null;
  /** @internal */
  next: Self | null;
}

/**
 * First in, first out; any entry may leave from anywhere. Every step is O(1) and allocates nothing, and an entry that has
 * left points to nothing.
 *
 * A `Set` would do, but not where entries come and go all the time: each table that V8 has outgrown points to the next
 * one and to what was in it, and one of them that got old keeps all later ones from an early collection.
 */
export class LinkedList<Entry extends Linked<Entry>> {
  size = 0;
  first: Entry | null = null;
  private last: Entry | null = null;

  /** Adds an entry at the end. It must not be in a list. */
  push(entry: Entry): void {
    entry.list = this;
    entry.previous = this.last;
    if (this.last === null) this.first = entry;
    else this.last.next = entry;
    this.last = entry;
    this.size += 1;
  }

  /** Takes an entry out. `false` if it was not in any more. */
  remove(entry: Entry): boolean {
    if (entry.list !== this) return false;
    if (entry.previous === null) this.first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === null) this.last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.list = entry.previous = entry.next = null;
    this.size -= 1;
    return true;
  }

  /** What is in the list now, in order. */
  entries(): Entry[] {
    const entries: Entry[] = [];
    for (let entry = this.first; entry !== null; entry = entry.next) entries.push(entry);
    return entries;
  }
}
