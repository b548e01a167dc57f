import { monotonic } from '../time/clock.js';
import type { LockLogger } from './lock-logger.js';

/** The largest number of warnings of one kind per period: if Redis is down, thousands of leases may end together. */
const MAX_WARNINGS = 10;
const PERIOD_MS = 10_000;

/** The warnings of one kind in the current period. */
interface Period {
  readonly since: number;
  written: number;
  omitted: number;
}

/**
 * Writes warnings for operators to the user's logger. It never throws, even if the logger does: most warnings come from
 * timers, where an error would end the process. Messages must not contain secrets, and lock names in them must be
 * quoted with `quoteName`.
 */
export class Reporter {
  private readonly periods = new Map<string, Period>();

  constructor(private readonly logger: LockLogger | false) {}

  /** Whether warnings have no effect. */
  get silent(): boolean {
    return this.logger === false;
  }

  /** @param kind what the warning is about; each kind has a limit of its own */
  warn(kind: string, message: string): void {
    if (this.logger === false) return;
    const before = this.periods.get(kind);
    if (before === undefined || monotonic() - before.since >= PERIOD_MS) {
      this.periods.set(kind, { since: monotonic(), written: 1, omitted: 0 });
      const omitted = before?.omitted ?? 0;
      this.write(omitted === 0 ? message : `${message} (${String(omitted)} similar warnings were omitted before.)`);
      return;
    }
    if (before.written === MAX_WARNINGS) {
      before.omitted += 1;
      return;
    }
    before.written += 1;
    const last = before.written === MAX_WARNINGS;
    this.write(last ? `${message} (Similar warnings are omitted for a few seconds.)` : message);
  }

  private write(message: string): void {
    try {
      const result: unknown = (this.logger as LockLogger).warn(message);
      // An async logger that fails must not cause an unhandled rejection.
      if (result instanceof Promise) result.catch(() => undefined);
    } catch {
      // There is nowhere else to report that the logger failed.
    }
  }
}
