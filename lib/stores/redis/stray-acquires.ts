import { maybeDone } from './answers.js';
import type { LateAnswer } from './flight.js';

interface StrayRequest {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
}

interface Stray {
  /** How many answers for this owner are still to come. */
  pending: number;
  released: boolean;
}

/**
 * Acquires that were given up while their answers were still to come. Where requests do not all take the same way (the
 * nodes of a cluster, a connection for writes that replicas acknowledge), such a request may be carried out behind the
 * release that settles it, and would leave a lock that nobody holds. Its late answer says so: then the owner is
 * released once more.
 */
export class StrayAcquires {
  private readonly strays = new Map<string, Stray>();

  /** @param releaseAgain has to see to it that the owner is released, and must not throw */
  constructor(private readonly releaseAgain: (name: string, owner: string, leaseMs: number) => void) {}

  get size(): number {
    return this.strays.size;
  }

  /** Watches for the answer to one call. */
  watch(requests: readonly StrayRequest[]): LateAnswer {
    return {
      onGivenUp: () => {
        for (const { owner } of requests) this.onGivenUp(owner);
      },
      onAnswered: (value) => {
        for (const [index, request] of requests.entries()) this.onAnswered(request, maybeDone(value, index));
      },
    };
  }

  /** This owner is released for good: nobody will ask for a lock in its name any more. */
  onReleased(owner: string): void {
    if (this.strays.size === 0) return;
    const stray = this.strays.get(owner);
    if (stray !== undefined) stray.released = true;
  }

  private onGivenUp(owner: string): void {
    const stray = this.strays.get(owner);
    if (stray === undefined) this.strays.set(owner, { pending: 1, released: false });
    else stray.pending += 1;
  }

  private onAnswered({ name, owner, leaseMs }: StrayRequest, taken: boolean): void {
    const stray = this.strays.get(owner);
    if (stray === undefined) return;
    stray.pending -= 1;
    if (stray.pending === 0) this.strays.delete(owner);
    // Not yet released: the owner still wants the lock, or will be released later.
    if (taken && stray.released) this.releaseAgain(name, owner, leaseMs);
  }
}
