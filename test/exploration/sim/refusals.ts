import type { World } from './kernel/world.js';
import type { Oracle } from './oracle.js';
import { LEASE_MS, NAMES, type Call } from './schedule.js';

interface Attempt {
  readonly caller: string;
  readonly name: string;
  readonly from: number;
  /** Until when it may have had the lock, in µs. */
  to: number;
  /** Whether it did not wait, and was told that the lock is busy. */
  refused: boolean;
}

/** Remembers who tried which lock when, to see whether a lock was called busy that no caller had. */
export class Refusals {
  private readonly attempts: Attempt[] = [];

  constructor(
    private readonly world: World,
    private readonly oracle: Oracle,
  ) {}

  /** Returns what is told how the attempt ends. */
  begin(caller: string, names: readonly string[], call: Call): (outcome: string) => void {
    const begun = names.map((name): Attempt => ({ caller, name, from: this.world.now, to: Infinity, refused: false }));
    this.attempts.push(...begun);
    const { wait, lease, holdAtLeast } = call;
    const leaseUs = (lease === 'renew' ? LEASE_MS : lease) * 1_010;
    const keptUs = lease === 'renew' ? holdAtLeast * 1_010 : 0;
    return (outcome) => {
      for (const attempt of begun) {
        attempt.refused = outcome === 'LOCK_BUSY' && wait === 0 && names.length === 1;
        // A request with an unknown outcome may have taken the lock, and a released lock may be kept for some time.
        const takenUs = outcome === 'served' ? keptUs : leaseUs;
        attempt.to = this.world.now + (attempt.refused ? 0 : takenUs);
      }
    };
  }

  /** Of callers that try a lock at overlapping times and do not wait, one gets it, unless another caller has it. */
  check(): void {
    for (const name of NAMES) {
      let group: Attempt[] = [];
      let end = -Infinity;
      for (const attempt of this.attempts.filter((each) => each.name === name)) {
        if (attempt.from > end) {
          this.checkGroup(group);
          group = [];
        }
        group.push(attempt);
        end = Math.max(end, attempt.to);
      }
      this.checkGroup(group);
    }
  }

  private checkGroup(group: readonly Attempt[]): void {
    if (group.length === 0 || group.some(({ refused }) => !refused)) return;
    const callers = group.map(({ caller }) => caller).join();
    this.oracle.violate(`"${group[0]!.name}" is free, and no caller that does not wait gets it: ${callers}`);
  }
}
