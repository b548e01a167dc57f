import type { World } from './kernel/world.js';
import type { SimQueue, SimWaiter } from './leftovers.js';
import type { Oracle, Section } from './oracle.js';
import type { Replica } from './replica.js';

/** In this time a waiter has its place, and other processes know of it, in µs. */
const PLACED_US = 120_000;

/** `handOverTime` of the services, and the time for a caller to enter, in ms. */
const HAND_OVER_MS = 25;

interface First {
  readonly waiter: SimWaiter;
  readonly since: number;
  readonly name: string;
  readonly replica: Replica;
}

/** Checks that a read-write lock serves its waiters in the order in which they asked, as long as all is well. */
export class OrderWatch {
  /** The first waiters of the processes, those that ask the store. */
  private firsts: First[] = [];
  /** Since when owners have places. A waiter that leaves leaves its own to the next one of its process. */
  private readonly placedSince = new Map<string, number>();
  private readonly served = new Set<Section['hold']>();

  constructor(
    private readonly world: World,
    private readonly oracle: Oracle,
    private readonly queueOf: (replica: Replica, name: string) => SimQueue | undefined,
  ) {
    oracle.onEnter = (section) => this.check(section);
  }

  /** Called again and again, as long as all is well. */
  look(replicas: readonly Replica[], names: readonly string[]): void {
    const before = this.firsts;
    this.firsts = [];
    for (const replica of replicas) {
      for (const name of names) {
        const waiter = this.asking(replica, name);
        if (waiter === null) continue;
        const { owner } = this.queueOf(replica, name)!.waiters.loop!;
        this.placedSince.set(owner, this.placedSince.get(owner) ?? this.world.now);
        const known = before.find((each) => each.waiter === waiter);
        this.firsts.push(known ?? { waiter, since: this.world.now, name, replica });
      }
    }
  }

  /** For a short time a process hands a lock over that it writes, and lets more callers read. */
  private mayOvertake({ hold, process }: Section): boolean {
    return hold.mode === 'write' || process.mono() - hold.acquiredAt < HAND_OVER_MS;
  }

  /** A process that writes asks for its next caller at the end only. */
  private asking(replica: Replica, name: string): SimWaiter | null {
    const queue = this.queueOf(replica, name);
    if (queue === undefined || queue.waiters.loops === 0 || queue.hold?.mode === 'write') return null;
    return queue.waiters.first;
  }

  private check(section: Section): void {
    const { name, caller, hold } = section;
    const isFirst = !this.served.has(hold);
    this.served.add(hold);
    if (!isFirst && this.mayOvertake(section)) return;
    const began = Math.min(section.began, this.placedSince.get(hold.owner) ?? Infinity);
    for (const { waiter, since, replica, ...first } of this.firsts) {
      const before = first.name === name && began > since + PLACED_US && replica.process.alive;
      const inItsWay = hold.mode === 'write' || waiter.request.mode === 'write';
      if (!before || !inItsWay || this.asking(replica, name) !== waiter) continue;
      this.oracle.violate(`${caller} got "${name}" before one in process ${replica.process.id} that asked earlier`);
    }
  }
}
