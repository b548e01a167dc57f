import { inServiceContext } from '../context/service-context.js';
import { LockUnavailableError } from '../errors/index.js';
import type { SharedHold } from '../holds/shared-hold.js';
import { orLate } from '../stores/overdue-error.js';
import { monotonic } from '../time/clock.js';
import type { QueueContext } from './queue-context.js';
import { mayShare, type Waiter } from './waiter.js';
import type { Waiters } from './waiters.js';

/** The local queue whose callers share a hold. */
export interface SharingQueue {
  readonly name: string;
  readonly waiters: Waiters;
  /** Releases a hold that no caller uses. */
  dismiss(hold: SharedHold): void;
  /** Starts what can be started for the waiters. */
  proceed(): void;
}

/**
 * The hold that the callers of this process share to read. It serves new callers for as long as no writer waits in any
 * process: after `handOverTime` without news, a renewal asks for that.
 */
export class Sharing {
  private hold: SharedHold | null = null;
  /** The hold that is being renewed to know whether a writer waits. */
  private asked: SharedHold | null = null;

  constructor(
    private readonly queue: SharingQueue,
    private readonly context: QueueContext,
  ) {}

  open(hold: SharedHold): void {
    this.hold = hold;
  }

  /** Called when the hold serves no new callers any more. */
  close(hold: SharedHold): void {
    if (this.hold === hold) this.hold = null;
  }

  /** Whether a caller may get the hold, now or after the renewal. */
  serves({ request }: Waiter): boolean {
    const { hold } = this;
    if (hold === null || !mayShare(request) || hold.doubtful || hold.renewMs !== request.renewMs) return false;
    return hold.valid && hold.minReplicas >= request.minReplicas && hold.remaining() >= request.holdAtLeast;
  }

  /** Gives the hold to the first waiters, or asks whether it may. */
  serve(): void {
    const { hold, queue } = this;
    if (hold === null || this.asked !== null) return;
    const { waiters } = queue;
    for (let { first } = waiters; first !== null && this.serves(first); { first } = waiters) {
      if (monotonic() - hold.confirmedAt >= this.context.limits.handOverTime) {
        void inServiceContext(() => this.ask(hold));
        return;
      }
      waiters.serveFirst(hold);
    }
  }

  /** Whether a hold that no caller uses any more may still be given to waiters. */
  keeps(hold: SharedHold): boolean {
    return this.asked === hold && this.queue.waiters.size > 0;
  }

  /** Never rejects. */
  private async ask(hold: SharedHold): Promise<void> {
    const { queue, context } = this;
    context.work.begin();
    this.asked = hold;
    queue.waiters.promised += 1;
    const open = await this.renew(hold);
    queue.waiters.promised -= 1;
    this.asked = null;
    if (open) {
      hold.confirmedAt = monotonic();
      this.serve();
    } else this.close(hold);
    if (hold.inUse && hold.users === 0) queue.dismiss(hold);
    queue.proceed();
    context.work.end();
  }

  /** Resolves with `false` if the hold was lost, or a writer waits, or that is not known. */
  private async renew(hold: SharedHold): Promise<boolean> {
    const { keeper } = this.context;
    const { waiters, name } = this.queue;
    const { changes, leaseMs } = hold;
    try {
      const { held, sentAt, awaited } = await orLate(hold.renew(leaseMs, false), (error) => {
        waiters.onLateRenewal(error.forLock(name));
      });
      if (!hold.inUse) return false;
      if (held) {
        hold.confirm(sentAt, leaseMs, changes);
        keeper.watch(hold);
        return awaited !== true && hold.valid;
      }
      keeper.unwatch(hold);
      hold.lose('taken');
      return false;
    } catch (error) {
      // An unexpected error must not leave a caller waiting endlessly.
      if (!(error instanceof LockUnavailableError)) waiters.rejectAll(error as Error);
      return false;
    }
  }
}
