import {
  Counter,
  Gauge,
  Histogram,
  register as globalRegister,
  type OpenMetricsContentType,
  type Registry,
} from 'prom-client';
import type { LockService } from '../lock.service.js';
import { collectCalls } from '../metrics/collect-calls.js';
import {
  BUCKETS,
  COUNTERS,
  GAUGES,
  HISTOGRAMS,
  labelsOf,
  NAMESPACE,
  readGauge,
  type CounterName,
  type Definition,
  type HistogramName,
} from '../metrics/definitions.js';
import { checkMaxTemplates } from '../metrics/series.js';

const SERIES = ['template', 'mode'];

/**
 * Options of `collectLockMetrics`.
 *
 * @publicApi
 */
export interface LockMetricsOptions {
  /** The registry that gets the metrics. Default: the global one of prom-client. */
  readonly register?: Registry | Registry<OpenMetricsContentType>;
  /** Precedes the names of the metrics. Default: none. */
  readonly prefix?: string;
  /** The upper bounds of the buckets of both histograms, in seconds. Default: 0.001 to 60. */
  readonly buckets?: readonly number[];
  /**
   * How many values the label `template` has at most. Calls with further labels, and calls without a label, are counted
   * as `other`. 0 to 10 000. Default 100.
   */
  readonly maxTemplates?: number;
}

/**
 * Registers the metrics of locks with prom-client. Each has a value from the start. The counters and histograms measure
 * all services of this process, so call it once for each registry.
 *
 * @param locks the services whose held locks and waiting callers are counted
 * @returns a function that removes the metrics
 * @throws LockConfigError if an option is not valid; Error if the registry has metrics with these names
 * @publicApi
 */
export function collectLockMetrics(
  locks: LockService | readonly LockService[],
  options: LockMetricsOptions = {},
): () => void {
  const { register = globalRegister, prefix = '', buckets = BUCKETS } = options;
  const maxTemplates = checkMaxTemplates(options.maxTemplates);
  const services = [locks].flat();
  const names: string[] = [];

  /** @param labels of all metrics of this type */
  const configure = ({ name, help, label }: Definition, labels: readonly string[], suffix = '') => {
    const full = `${prefix}${NAMESPACE}_${name.replaceAll('.', '_')}${suffix}`;
    names.push(full);
    return { name: full, help, labelNames: label === undefined ? labels : [...labels, label], registers: [register] };
  };
  const histogramOf = (definition: Definition) =>
    new Histogram({ ...configure(definition, SERIES, '_seconds'), buckets: [...buckets] });
  const counterOf = (definition: Definition) => new Counter(configure(definition, SERIES, '_total'));

  const histograms = { wait: histogramOf(HISTOGRAMS.wait), hold: histogramOf(HISTOGRAMS.hold) };
  const counters = {
    lost: counterOf(COUNTERS.lost),
    refused: counterOf(COUNTERS.refused),
    skipped: counterOf(COUNTERS.skipped),
    failedRenewals: counterOf(COUNTERS.failedRenewals),
    lateRenewals: counterOf(COUNTERS.lateRenewals),
    lateNotifications: counterOf(COUNTERS.lateNotifications),
  };
  for (const gauge of GAUGES) {
    const { label, values = [] } = gauge;
    new Gauge({
      ...configure(gauge, []),
      collect() {
        if (label === undefined) this.set(readGauge(gauge, services));
        else for (const value of values) this.set({ [label]: value }, readGauge(gauge, services, value));
      },
    });
  }

  const stop = collectCalls(
    {
      begin(series) {
        for (const [which, definition] of Object.entries(HISTOGRAMS) as [HistogramName, Definition][]) {
          for (const labels of labelsOf(definition, series)) histograms[which].zero(labels);
        }
        for (const [which, definition] of Object.entries(COUNTERS) as [CounterName, Definition][]) {
          for (const labels of labelsOf(definition, series)) counters[which].inc(labels, 0);
        }
      },
      record(which, seconds, series, outcome) {
        histograms[which].observe({ ...series, outcome }, seconds);
      },
      count(which, series, reason) {
        counters[which].inc(reason === undefined ? { ...series } : { ...series, reason });
      },
    },
    maxTemplates,
  );
  return () => {
    stop();
    for (const name of names) register.removeSingleMetric(name);
  };
}
