import { monotonic } from '../time/clock.js';

/** How long to yield to each process that is ahead: enough to get the notification and send a request, in ms. */
const PATIENCE_MS = 5;
/**
 * The longest time to yield in all: for this long, a lock may stay free for processes that do not request it, in ms.
 */
export const MAX_PATIENCE_MS = 10;
/** For how long a process that did not request the lock in time counts as absent, in ms: it may only have been slow. */
const ABSENT_MS = 250;
/** For how long after its release of a lock a process yields to others, in ms. */
const FORGET_MS = 1_000;

/**
 * Estimates which process is next, for a process that has just released the lock: the release returned how many others
 * listened, and each notification after its own is a release by one of them. So the processes take turns although Redis
 * keeps no queue, and after a notification one of them sends a request at once instead of all.
 *
 * Bench case "fairness", four processes: Jain's index is 0.94, and 0.55 with a pause of 5 ms after each release instead.
 *
 * It is best effort, not a guarantee: other programs (Redisson) do not yield, and no process yields for long.
 */
export class Turn {
  /** When the lock was released. */
  readonly at = monotonic();

  /** How many other processes seem to be absent, and since when. */
  private absent = 0;
  private absentAt = 0;

  /**
   * @param heard how many notifications had arrived when the release was sent; `undefined` without a subscription
   * @param others how many other subscribers there were
   * @param last the previous turn of this process
   */
  constructor(
    private readonly heard: number | undefined,
    private readonly others: number,
    last?: Turn,
  ) {
    if (last === undefined || this.at - last.absentAt >= ABSENT_MS) return;
    this.absent = Math.min(last.absent, others);
    this.absentAt = last.absentAt;
  }

  /**
   * How many other processes are ahead of this one.
   *
   * @param heard how many notifications have arrived by now; `undefined` without a subscription
   */
  lacks(heard: number | undefined): number {
    const others = Math.max(0, this.others - this.absent);
    if (heard === undefined) return others;
    // Without an earlier count, notifications may have been missed. Do not yield: an attempt that is too early does
    // less harm than a free lock.
    if (this.heard === undefined) return 0;
    // The first notification is that of the own release.
    return Math.max(0, others - Math.max(0, heard - this.heard - 1));
  }

  /** How long to wait for `lacking` others, in ms. */
  static patience(lacking: number): number {
    return Math.min(lacking * PATIENCE_MS, MAX_PATIENCE_MS);
  }

  /**
   * Updates the number of absent processes after an attempt that was made with `lacking` processes ahead of this one.
   */
  onTried(taken: boolean, lacking: number): void {
    // If this process got the lock with others still ahead, those are absent. If no process was ahead and the lock is
    // busy, at least one is back, so none counts as absent any more.
    if (!taken && lacking === 0) this.absent = 0;
    if (!taken || lacking === 0) return;
    if (this.absent === 0) this.absentAt = monotonic();
    this.absent += lacking;
  }
}

/** The locks that this process released a moment ago while others were subscribed. */
export class Turns {
  private readonly turns = new Map<string, Turn>();

  /** Called when a lock was released. */
  onReleased(name: string, heard: number | undefined, others: number): void {
    const last = this.turns.get(name);
    this.turns.delete(name);
    if (others === 0) return;
    const turn = new Turn(heard, others, last);
    // The map is in the order of the releases: the oldest come first.
    for (const [known, { at }] of this.turns) {
      if (turn.at - at < FORGET_MS) break;
      this.turns.delete(known);
    }
    this.turns.set(name, turn);
  }

  get(name: string): Turn | null {
    const turn = this.turns.get(name);
    return turn !== undefined && monotonic() - turn.at < FORGET_MS ? turn : null;
  }
}
