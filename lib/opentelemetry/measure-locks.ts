import type { BatchObservableCallback, Meter } from '@opentelemetry/api';
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
} from '../metrics/definitions.js';
import { attributesOf } from './attributes.js';

/** @returns a function that ends it */
export function measureLocks(meter: Meter, locks: readonly LockService[], maxTemplates: number): () => void {
  const histogramOf = ({ name, help, unit }: Definition) =>
    meter.createHistogram(`${NAMESPACE}.${name}`, {
      description: help,
      unit,
      advice: { explicitBucketBoundaries: [...BUCKETS] },
    });
  const counterOf = ({ name, help, unit }: Definition) =>
    meter.createCounter(`${NAMESPACE}.${name}`, { description: help, unit });

  const histograms = { wait: histogramOf(HISTOGRAMS.wait), hold: histogramOf(HISTOGRAMS.hold) };
  const counters = {
    lost: counterOf(COUNTERS.lost),
    refused: counterOf(COUNTERS.refused),
    skipped: counterOf(COUNTERS.skipped),
    failedRenewals: counterOf(COUNTERS.failedRenewals),
    lateRenewals: counterOf(COUNTERS.lateRenewals),
    lateNotifications: counterOf(COUNTERS.lateNotifications),
  };
  const gauges = GAUGES.map((definition) => {
    const { name, help, unit } = definition;
    const options = { description: help, unit };
    return { definition, instrument: meter.createObservableUpDownCounter(`${NAMESPACE}.${name}`, options) };
  });
  const observe: BatchObservableCallback = (result) => {
    for (const { definition, instrument } of gauges) {
      const { label, values = [undefined] } = definition;
      for (const value of values) {
        const attributes = label === undefined || value === undefined ? {} : attributesOf({ [label]: value });
        result.observe(instrument, readGauge(definition, locks, value), attributes);
      }
    }
  };
  const instruments = gauges.map(({ instrument }) => instrument);
  meter.addBatchObservableCallback(observe, instruments);
  const stop = collectCalls(
    {
      // A histogram has no value before the first measurement.
      begin(series) {
        for (const [which, definition] of Object.entries(COUNTERS) as [CounterName, Definition][]) {
          for (const labels of labelsOf(definition, series)) counters[which].add(0, attributesOf(labels));
        }
      },
      record(which, seconds, { template, mode }, outcome) {
        histograms[which].record(seconds, attributesOf({ template, mode, outcome }));
      },
      count(which, { template, mode }, reason) {
        counters[which].add(1, attributesOf(reason === undefined ? { template, mode } : { template, mode, reason }));
      },
    },
    maxTemplates,
  );
  return () => {
    stop();
    meter.removeBatchObservableCallback(observe, instruments);
  };
}
