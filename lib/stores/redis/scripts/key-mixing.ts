import { monotonic } from '../../../time/clock.js';
import { hasCode, isAboutMovingSlot } from '../connection/server-error.js';

/** Requests of the same group may share a call. */
export type KeyGroup = string | number;

/**
 * What the server accepts in one call: `any` keys, keys of one hash `slot`, or the keys of one `lock`. `unknown` until it
 * was tried.
 */
export type Accepted = 'unknown' | 'any' | 'slot' | 'lock';

/**
 * How long locks of one hash slot are sent in separate calls after a server had only some of their keys, since the slot
 * is moving, in ms.
 */
const APART_MS = 10_000;

/**
 * Decides which locks may share a call. A cluster rejects a call with keys of several hash slots, and a proxy may send
 * it to the server of its first key. The class of the client shows neither, so keys of several locks share a call only
 * once the server is known to accept that.
 */
export class KeyMixing {
  private apartUntil = 0;

  /** @param slotOf the hash slot of a lock's keys; throws `LockNameError` if they are not in one */
  constructor(
    private readonly slotOf: (name: string) => number,
    private accepted: Accepted = 'unknown',
  ) {}

  /** Whether all locks may share a call. */
  get any(): boolean {
    return this.accepted === 'any';
  }

  /**
   * Whether a test may still show that several locks can share a call: there was none yet, or it had no clear result.
   */
  get open(): boolean {
    return this.accepted === 'unknown' || this.accepted === 'lock';
  }

  /** @throws LockNameError if the keys of the lock must be in one hash slot and are not */
  groupOf(name: string): KeyGroup {
    if (this.accepted === 'any') return '';
    if (this.accepted !== 'slot') return name;
    const slot = this.slotOf(name);
    return this.apartUntil > 0 && monotonic() < this.apartUntil ? name : slot;
  }

  learn(accepted: Accepted): void {
    this.accepted = accepted;
  }

  /** Called when the server rejected a call with keys of several locks. */
  onRejected(error: Error): void {
    if (isAboutMovingSlot(error)) this.apartUntil = monotonic() + APART_MS;
    else if (this.accepted !== 'slot') this.accepted = hasCode(error, 'CROSSSLOT') ? 'slot' : 'lock';
  }
}
