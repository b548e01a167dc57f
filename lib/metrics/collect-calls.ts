import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { lockChannels } from '../telemetry/channels.js';
import type {
  AcquiredMessage,
  CallMessage,
  LostMessage,
  RefusedMessage,
  ReleasedMessage,
  SkippedMessage,
} from '../telemetry/messages.js';
import type { CounterName, HistogramName } from './definitions.js';
import { SeriesRegistry, type Series } from './series.js';

/** Where measurements go. */
export interface Instruments {
  /** Called before the first measurement of a series, so that all its values are there from the start. */
  begin(series: Series): void;
  record(histogram: HistogramName, seconds: number, series: Series, outcome: string): void;
  count(counter: CounterName, series: Series, reason?: string): void;
}

/**
 * Measures the calls of all services of this process.
 *
 * @returns a function that ends it
 */
export function collectCalls(instruments: Instruments, maxTemplates: number): () => void {
  const registry = new SeriesRegistry(maxTemplates, (series) => {
    instruments.begin(series);
  });
  const record = (histogram: HistogramName, ms: number, message: CallMessage, outcome: string): void => {
    instruments.record(histogram, ms / 1_000, registry.of(message), outcome);
  };
  const count = (counter: CounterName, message: CallMessage, reason?: string): void => {
    instruments.count(counter, registry.of(message), reason);
  };
  const listeners: [channel: string, listener: (message: never) => void][] = [
    [lockChannels.acquired, (message: AcquiredMessage) => record('wait', message.waitedMs, message, 'acquired')],
    [
      lockChannels.refused,
      (message: RefusedMessage) => {
        record('wait', message.waitedMs, message, 'refused');
        count('refused', message, message.error.code);
      },
    ],
    [lockChannels.released, (message: ReleasedMessage) => record('hold', message.heldMs, message, message.outcome)],
    [lockChannels.lost, (message: LostMessage) => count('lost', message, message.reason)],
    [lockChannels.skipped, (message: SkippedMessage) => count('skipped', message, message.reason)],
    [lockChannels.renewalFailed, (message: CallMessage) => count('failedRenewals', message)],
    [lockChannels.renewedLate, (message: CallMessage) => count('lateRenewals', message)],
    [lockChannels.notifiedLate, (message: CallMessage) => count('lateNotifications', message)],
  ];
  const untyped = listeners.map(([name, listener]) => [name, listener as (message: unknown) => void] as const);
  for (const [name, listener] of untyped) subscribe(name, listener);
  return () => {
    for (const [name, listener] of untyped) unsubscribe(name, listener);
  };
}
