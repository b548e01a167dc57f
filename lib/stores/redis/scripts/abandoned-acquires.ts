import { monotonic } from '../../../time/clock.js';
import { maybeDone } from './answers.js';
import type { AbandonedWatch } from './script-batch.js';

interface AbandonedRequest {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
}

interface Abandoned {
  /** How many late replies for this owner are still to come. */
  pending: number;
  /** Until when a request of a closed connection may still be carried out, on the monotonic clock. */
  until: number;
  /** The owner is released for good: no request uses it any more. */
  released: boolean;
}

/** How often owners whose requests can no longer arrive are looked for at most, in ms. */
const SWEEP_MS = 1_000;

/**
 * Acquires that may be carried out behind the release of their owner, and would leave an orphaned lock:
 *
 * - Not all requests take the same way (the nodes of a cluster, a connection for writes that replicas acknowledge). The
 *   late reply tells whether such a lock was taken; then the owner is released once more.
 * - A request in flight on a connection that was closed may arrive after everything that is sent on the next one, and
 *   no reply tells. Such an owner is released again and again until nothing can arrive any more.
 *
 * A late renewal or release does no harm: both compare the owner, no owner is used twice, and a late renewal does not make
 * a lease shorter (see the script).
 */
export class AbandonedAcquires implements AbandonedWatch<AbandonedRequest> {
  private readonly abandoned = new Map<string, Abandoned>();
  private sweptAt = 0;

  /**
   * @param releaseAgain has to see to it that the owner is released, until `until` on the monotonic clock if that is given,
   *   and must not throw
   */
  constructor(private readonly releaseAgain: (request: AbandonedRequest, until: number) => void) {}

  get size(): number {
    return this.abandoned.size;
  }

  onOverdue({ owner }: AbandonedRequest): void {
    this.abandonedOf(owner).pending += 1;
  }

  onLate(request: AbandonedRequest, reply: unknown, index: number): void {
    const abandoned = this.abandoned.get(request.owner);
    if (abandoned === undefined) return;
    abandoned.pending -= 1;
    if (abandoned.pending === 0 && abandoned.until === 0) this.abandoned.delete(request.owner);
    // Not yet released: the owner still wants the lock, or will be released later.
    if (maybeDone(reply, index) && abandoned.released) this.releaseAgain(request, 0);
  }

  onCut(request: AbandonedRequest, ms: number): void {
    const now = monotonic();
    // What arrives later than that is forgotten by itself before long.
    const until = now + Math.min(ms, request.leaseMs);
    this.sweep(now);
    const abandoned = this.abandonedOf(request.owner);
    if (abandoned.released) this.releaseAgain(request, until);
    else abandoned.until = Math.max(abandoned.until, until);
    if (abandoned.released && abandoned.pending === 0) this.abandoned.delete(request.owner);
  }

  /** For requests that are carried out in the order they were sent: no acquire gets behind its release. */
  get inOrder(): AbandonedWatch<AbandonedRequest> {
    return {
      onOverdue: (request) => {
        this.onOverdue(request);
      },
      onLate: (request) => {
        this.onLate(request, undefined, 0);
      },
      onCut: (request, ms) => {
        this.onCut(request, ms);
      },
    };
  }

  /** This owner is released for good. Returns until when that has to be repeated, on the monotonic clock; 0: it need not. */
  onReleased(owner: string): number {
    if (this.abandoned.size === 0) return 0;
    const abandoned = this.abandoned.get(owner);
    if (abandoned === undefined) return 0;
    const { until } = abandoned;
    abandoned.released = true;
    abandoned.until = 0;
    if (abandoned.pending === 0) this.abandoned.delete(owner);
    return until > monotonic() ? until : 0;
  }

  private abandonedOf(owner: string): Abandoned {
    let abandoned = this.abandoned.get(owner);
    if (abandoned === undefined) this.abandoned.set(owner, (abandoned = { pending: 0, until: 0, released: false }));
    return abandoned;
  }

  /** An owner that lost its lock is never released. */
  private sweep(now: number): void {
    if (now - this.sweptAt < SWEEP_MS) return;
    this.sweptAt = now;
    for (const [owner, { pending, until }] of this.abandoned)
      if (pending === 0 && until < now) this.abandoned.delete(owner);
  }
}
