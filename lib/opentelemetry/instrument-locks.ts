import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import type { LockService } from '../lock.service.js';
import { checkMaxTemplates } from '../metrics/series.js';
import { checkFlag } from '../options/checks.js';
import { measureLocks } from './measure-locks.js';
import { traceLocks } from './trace-locks.js';

/** The name of the tracer and the meter. */
const SCOPE = 'nestjs-redis-lock';

/**
 * Options of `instrumentLocks`.
 *
 * @publicApi
 */
export interface LockInstrumentationOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider;
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider;
  /**
   * Whether spans have the full name of the lock, in `redis_lock.name`. Names contain what callers pass: ids, perhaps
   * personal data. Metrics never have it. Default `false`.
   */
  readonly names?: boolean;
  /**
   * How many values the attribute `redis_lock.template` of metrics has at most. Calls with further labels, and calls without
   * a label, are counted as `other`. 0 to 10 000. Default 100.
   */
  readonly maxTemplates?: number;
}

/**
 * Reports the locks of this process to OpenTelemetry: a span for each wait and for each hold, and metrics. Call it once,
 * after the SDK has started.
 *
 * @param locks the services whose held locks and waiting callers are counted
 * @returns a function that ends it
 * @throws LockConfigError if an option is not valid
 * @publicApi
 */
export function instrumentLocks(
  locks: LockService | readonly LockService[],
  options: LockInstrumentationOptions = {},
): () => void {
  const maxTemplates = checkMaxTemplates(options.maxTemplates);
  const { names = false } = options;
  checkFlag('names', names);
  const { tracerProvider = trace, meterProvider = metrics } = options;
  const ends = [
    traceLocks(tracerProvider.getTracer(SCOPE), names),
    measureLocks(meterProvider.getMeter(SCOPE), [locks].flat(), maxTemplates),
  ];
  return () => {
    for (const end of ends) end();
  };
}
