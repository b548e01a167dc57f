import type { AsyncResource } from 'node:async_hooks';
import { channels } from '../telemetry/channels.js';
import { modeOf, type TakenAs } from '../telemetry/message-mode.js';
import type { SlowMessage } from '../telemetry/messages.js';
import type { Reporter } from '../telemetry/reporter.js';
import { heldLongWarning, waitedLongWarning } from '../telemetry/warnings.js';
import { monotonic } from '../time/clock.js';
import { Deadline, Deadlines } from '../time/deadlines.js';
import type { LockHolder } from '../lock-holder.js';
import type { CallerHold } from './caller-hold.js';

/** A caller that waits. */
export interface WaitingCall extends TakenAs {
  readonly name: string;
  readonly label: string | undefined;
  /** The async context of the caller. */
  readonly origin: AsyncResource;
  /** How many callers of this process wait for the same lock. */
  waiting(): number;
  /** Who holds the lock, as far as that is known soon. Never rejects. */
  holder(): Promise<LockHolder | undefined>;
}

/** Reports each lease that is held, and each caller that waits, for longer than `warnAfter`: once. */
export class SlowCalls {
  private readonly deadlines = new Deadlines({ keepsProcessAlive: false });
  private readonly held = new Map<CallerHold, Deadline>();

  constructor(private readonly reporter: Reporter) {}

  /** @param ms after how long a warning is written */
  watchWait(call: WaitingCall, ms: number, served: Promise<unknown>): void {
    const { name, label, origin } = call;
    const report = async (): Promise<void> => {
      const holder = await call.holder();
      this.reporter.warn('slow', waitedLongWarning(call, ms, call.waiting(), holder));
      tell({ name, label, mode: modeOf(call), reason: 'waited', ms, holder });
    };
    const entry = new SlowCall(() => {
      void report();
    }, origin);
    this.deadlines.add(entry, monotonic() + ms);
    const end = (): void => {
      this.deadlines.remove(entry);
    };
    served.then(end, end);
  }

  watchHeld(callerHold: CallerHold, ms: number): void {
    const { name, label, hold, origin, since } = callerHold;
    const entry = new SlowCall(() => {
      this.held.delete(callerHold);
      this.reporter.warn('slow', heldLongWarning(callerHold, ms));
      tell({ name, label, mode: modeOf(hold), reason: 'held', ms, holder: undefined });
    }, origin);
    this.held.set(callerHold, entry);
    this.deadlines.add(entry, since + ms);
  }

  /** Called when a lock was released or lost. */
  endHeld(callerHold: CallerHold): void {
    const entry = this.held.get(callerHold);
    if (entry === undefined) return;
    this.held.delete(callerHold);
    this.deadlines.remove(entry);
  }

  close(): void {
    this.held.clear();
    this.deadlines.clear();
  }
}

class SlowCall extends Deadline {
  constructor(
    private readonly report: () => void,
    private readonly origin: AsyncResource,
  ) {
    super();
  }

  override onDue(): void {
    this.origin.runInAsyncScope(this.report);
  }
}

function tell(message: SlowMessage): void {
  channels.slow.publish(message);
}
