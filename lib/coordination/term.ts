import { LockLostError, type LockError } from '../errors/index.js';
import type { Lease } from '../leases/lease.js';
import { channels } from '../telemetry/channels.js';
import type { ElectedMessage, TermEndedMessage, TermEndReason, TermOverdueMessage } from '../telemetry/messages.js';
import type { Reporter } from '../telemetry/reporter.js';
import { lateFailureWarning, termOverdueWarning } from '../telemetry/warnings.js';
import { monotonic } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import { Timer } from '../time/timer.js';
import type { TermRecord } from './term-record.js';

/** How long the code of a term may run after its signal aborted before this is reported, in ms. */
const OVERDUE_MS = 1_000;

/** The code that runs while a process leads. */
export type TermCode = (term: Lease) => unknown;

/** How a term ended. */
export interface TermEnd {
  readonly reason: TermEndReason;
  readonly ledMs: number;
  /** The error of its code, unless it only repeats that the signal aborted. */
  readonly failure: { readonly error: unknown } | null;
}

/** One term: from the election of this process until the code of the leader has ended. */
export class Term {
  private readonly began = monotonic();
  /** Aborts when this process no longer leads. */
  private readonly over = new AbortController();
  private readonly overdue: Timer;

  constructor(
    private readonly lease: Lease,
    private readonly reporter: Reporter,
    private readonly label: string | undefined,
  ) {
    this.overdue = new Timer(() => {
      this.reportOverdue();
    }, false);
  }

  /** Whether this process leads: the lock is held, and the signal has not aborted. */
  get leads(): boolean {
    return !this.lease.signal.aborted && this.lease.remaining() > 0;
  }

  /**
   * Runs the code. Never rejects.
   *
   * @param stop makes the leader resign when it aborts; its reason becomes that of the term's signal
   */
  async run(code: TermCode, stop: AbortSignal, record: TermRecord | undefined): Promise<TermEnd> {
    const { lease, over, label } = this;
    const { signal } = lease;
    const resign = (reason: unknown): void => {
      lease.resign(reason as LockError);
    };
    const onEnd = (): void => {
      over.abort();
      this.overdue.start(OVERDUE_MS);
    };
    const unlink = [onAbort(stop, resign), onAbort(signal, onEnd)];
    const elected: ElectedMessage = { name: lease.name, label, token: lease.token };
    channels.elected.publish(elected);
    void record?.keep(lease, over.signal);
    let failure: TermEnd['failure'] = null;
    try {
      await code(lease);
    } catch (error) {
      failure = { error };
    }
    for (const each of unlink) each();
    this.overdue.stop();
    over.abort();
    return this.end(failure);
  }

  private end(failure: TermEnd['failure']): TermEnd {
    // Also checks the clock, since a timer is late if the event loop was blocked.
    const { name, token, signal } = this.lease;
    const ledMs = Math.round(monotonic() - this.began);
    const own = failure !== null && !repeatsAbort(failure.error, signal) ? failure : null;
    const reason = signal.aborted ? endedBy(signal) : own === null ? 'returned' : 'failed';
    if (own !== null && signal.aborted) this.reporter.warn('term', lateFailureWarning(name, own.error));
    const message: TermEndedMessage = { name, label: this.label, token, reason, ledMs, ...(own ?? {}) };
    channels.termEnded.publish(message);
    return { reason, ledMs, failure: own };
  }

  private reportOverdue(): void {
    const { name, token, signal } = this.lease;
    const message: TermOverdueMessage = { name, label: this.label, token, overdueMs: OVERDUE_MS };
    channels.termOverdue.publish(message);
    this.reporter.warn('term', termOverdueWarning(name, OVERDUE_MS, endedBy(signal) === 'lost'));
  }
}

function endedBy(signal: AbortSignal): 'lost' | 'resigned' {
  return signal.reason instanceof LockLostError ? 'lost' : 'resigned';
}

/** Whether an error only says that the signal aborted: code that was passed the signal fails with its reason. */
function repeatsAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  if (error === signal.reason || error instanceof LockLostError) return true;
  if (typeof error !== 'object' || error === null) return false;
  const { name, cause } = error as Partial<Error>;
  return name === 'AbortError' || cause === signal.reason;
}
