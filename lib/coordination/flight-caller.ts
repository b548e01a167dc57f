import { AsyncResource } from 'node:async_hooks';
import { Deadline, type Deadlines } from '../time/deadlines.js';
import { onAbort } from '../time/on-abort.js';
import type { Computation } from './computation.js';

/** What a caller gets: a value, an error of the computation, an error of the lock, or the order to try again. */
export type Outcome =
  { readonly value: unknown } | { readonly failure: unknown } | { readonly refusal: unknown } | 'again';

/** What a caller waits in. */
interface Joinable {
  join(caller: FlightCaller): void;
  leave(caller: FlightCaller): void;
  /** Whether the function of this caller runs. */
  runs(caller: FlightCaller): boolean;
}

/** A caller that waits for a value: for its `wait` at most, unless its function runs, and until its signal aborts. */
export class FlightCaller extends Deadline implements Computation {
  readonly compute: Computation['compute'];
  readonly options: Computation['options'];
  readonly context = new AsyncResource('nestjs-redis-lock:flight');
  /** The number of reads that the flight had begun when the caller joined. Set by the flight. */
  since = 0;
  private flight: Joinable | undefined;
  private unlink: (() => void) | undefined;
  private resolve: (outcome: Outcome) => void = () => undefined;

  constructor(
    { compute, options }: Omit<Computation, 'context'>,
    private readonly signal: AbortSignal | undefined,
    private readonly deadlines: Deadlines,
  ) {
    super();
    this.compute = compute;
    this.options = options;
  }

  /** @param until on the monotonic clock; `Infinity` for no limit */
  waitIn(flight: Joinable, until: number): Promise<Outcome> {
    this.flight = flight;
    if (until !== Infinity) this.deadlines.add(this, until);
    flight.join(this);
    return new Promise((resolve) => {
      this.resolve = resolve;
      this.unlink = onAbort(this.signal, this.leave);
    });
  }

  /** Has no effect after the first time. */
  settle(outcome: Outcome): void {
    this.deadlines.remove(this);
    this.unlink?.();
    this.resolve(outcome);
  }

  onDue(): void {
    if (this.flight?.runs(this) === false) this.leave();
  }

  private readonly leave = (): void => {
    this.flight?.leave(this);
  };
}
