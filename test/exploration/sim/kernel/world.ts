import { Random } from './random.js';

/** Something that happens at a time. */
export interface SimEvent {
  readonly at: number;
  readonly order: number;
  /** `null` once it is cancelled or has run. */
  run: (() => void) | null;
}

/**
 * Virtual time and the order of all that happens. One event runs at a time; after it, everything that the code under
 * test does in promise callbacks is done before the next one runs.
 */
export class World {
  /** Virtual time in whole µs. */
  now = 0;
  /** How many events have run. */
  steps = 0;
  private readonly heap: SimEvent[] = [];
  private order = 0;
  private readonly lines: string[] | null;

  /** @param traced whether to keep a log of the events */
  constructor(
    readonly seed: number,
    traced = false,
  ) {
    this.lines = traced ? [] : null;
  }

  random(label: string): Random {
    return new Random(this.seed, label);
  }

  get traced(): boolean {
    return this.lines !== null;
  }

  log(line: string): void {
    this.lines?.push(`${String(this.now).padStart(9)} ${line}`);
  }

  get trace(): readonly string[] {
    return this.lines ?? [];
  }

  /** Runs `run` at `at` µs, or next if that is past. Events of the same time run in the order they were planned. */
  at(at: number, run: () => void): SimEvent {
    const event: SimEvent = { at: Math.max(this.now, Math.ceil(at)), order: (this.order += 1), run };
    push(this.heap, event);
    return event;
  }

  after(us: number, run: () => void): SimEvent {
    return this.at(this.now + us, run);
  }

  /**
   * Lets things happen until `done` says so, nothing is left to happen, or `limit` µs are reached.
   *
   * @param afterEach looks at the world after each event and the promise callbacks it led to
   */
  run(limit: number, done: () => boolean, afterEach: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          if (this.steps > 0) afterEach();
          if (done() || !this.runNext(limit)) {
            resolve();
            return;
          }
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        // Node runs all promise callbacks and ticks before the next immediate.
        setImmediate(step);
      };
      setImmediate(step);
    });
  }

  private runNext(limit: number): boolean {
    for (;;) {
      const event = this.heap[0];
      if (event === undefined || event.at > limit) {
        this.now = Math.max(this.now, limit);
        return false;
      }
      pop(this.heap);
      const { run } = event;
      if (run === null) continue;
      event.run = null;
      this.now = event.at;
      this.steps += 1;
      run();
      return true;
    }
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: SimEvent[], event: SimEvent): void {
  let child = heap.push(event) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent]!;
    if (before(above, event)) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = event;
}

function pop(heap: SimEvent[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
    const below = heap[child]!;
    if (before(last, below)) break;
    heap[parent] = below;
    parent = child;
  }
  heap[parent] = last;
}
