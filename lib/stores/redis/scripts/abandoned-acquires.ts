import { monotonic } from '../../../time/clock.js';
import { maybeDone } from './answers.js';
import type { AbandonedWatch } from './script-batch.js';

interface AbandonedRequest {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
  /** Whether it may get a place among the waiters. */
  readonly waits: boolean;
}

interface Abandoned {
  /** The number of late replies for this owner that are still outstanding. */
  pending: number;
  /** Until when a request of a closed connection may still be executed, on the monotonic clock. */
  until: number;
  /** Whether the owner was released, so that no request uses it any more. */
  released: boolean;
}

/** The shortest time between two searches for owners whose requests can no longer arrive, in ms. */
const SWEEP_MS = 1_000;

/**
 * Tracks acquires that may be executed after the release of their owner, and would then leave an orphaned lock:
 *
 * - Not all requests use the same connection (the nodes of a cluster, a connection for acknowledged writes). If the
 *   late reply shows that such a lock was taken, the owner is released again.
 * - A request in flight on a closed connection may arrive after all requests on the next one, without a reply. The
 *   release of such an owner is repeated until nothing can arrive any more.
 *
 * A late renewal or release has no effect: both compare the owner, no owner is used twice, and a late renewal does not
 * shorten a lease (see the script).
 */
export class AbandonedAcquires implements AbandonedWatch<AbandonedRequest> {
  private readonly abandoned = new Map<string, Abandoned>();
  private sweptAt = 0;

  /**
   * @param releaseAgain releases the owner, once if `until` is 0, else repeatedly until that time on the monotonic
   *   clock; must not throw
   * @param placeMs how long a waiter keeps its place, in ms; 0: the store keeps no order
   */
  constructor(
    private readonly releaseAgain: (request: AbandonedRequest, until: number) => void,
    private readonly placeMs = 0,
  ) {}

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
    // An owner that was not released is still in use, or will be released later.
    if (maybeDone(reply, index) && abandoned.released) this.releaseAgain(request, 0);
  }

  onCut(request: AbandonedRequest, ms: number): void {
    const now = monotonic();
    // With a short lease it is enough to repeat the release for that long: a lock that is taken later expires soon. But a
    // place would hold others up for longer.
    const until = now + Math.min(ms, Math.max(request.leaseMs, request.waits ? this.placeMs : 0));
    this.sweep(now);
    const abandoned = this.abandonedOf(request.owner);
    if (abandoned.released) this.releaseAgain(request, until);
    else abandoned.until = Math.max(abandoned.until, until);
    if (abandoned.released && abandoned.pending === 0) this.abandoned.delete(request.owner);
  }

  /** For requests that are executed in the order in which they were sent, so that no acquire follows its release. */
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

  /**
   * Called when this owner is released. Returns until when the release must be repeated, on the monotonic clock; 0 if
   * it need not.
   */
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

  /** Some owners are never released, for example one that did not get the lock after all. */
  private sweep(now: number): void {
    if (now - this.sweptAt < SWEEP_MS) return;
    this.sweptAt = now;
    for (const [owner, { pending, until }] of this.abandoned)
      if (pending === 0 && until < now) this.abandoned.delete(owner);
  }
}
