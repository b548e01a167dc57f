import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { SpanStatusCode, type Attributes, type Span, type Tracer } from '@opentelemetry/api';
import { NAMESPACE } from '../metrics/definitions.js';
import { lockChannels } from '../telemetry/channels.js';
import type {
  AcquiredMessage,
  CallMessage,
  LostMessage,
  RefusedMessage,
  ReleasedMessage,
} from '../telemetry/messages.js';
import { wall } from '../time/clock.js';
import { attributesOf } from './attributes.js';

/** How many lost locks are remembered until their release. A lease that is never released has no span. */
const MAX_LOST = 1_000;

/** Errors that are not part of normal operation. Busy locks, aborted calls and shutdowns are. */
const FAILURES: readonly string[] = ['LOCK_UNAVAILABLE', 'LOCK_CONFIG', 'LOCK_NAME'];

/**
 * Creates a span for each wait and each hold when it is over, since its parent is known from the caller's context, in which
 * the messages are published.
 *
 * @param names whether spans have the name of the lock
 * @returns a function that ends it
 */
export function traceLocks(tracer: Tracer, names: boolean): () => void {
  /** When locks were lost whose release is still to come, and why. */
  const lost = new Map<string, { readonly at: number; readonly reason: string }[]>();

  const span = (what: string, message: CallMessage, ms: number, outcome: string, more: Attributes): Span => {
    const { name, label, mode } = message;
    const attributes = {
      ...attributesOf({
        ...(label === undefined ? {} : { template: label }),
        mode,
        outcome,
        ...(names ? { name } : {}),
      }),
      ...more,
    };
    return tracer.startSpan(label === undefined ? what : `${what} ${label}`, { startTime: wall() - ms, attributes });
  };
  const onAcquired = (message: AcquiredMessage): void => {
    const { token, handedOver, waitedMs } = message;
    const more = { [`${NAMESPACE}.token`]: token, [`${NAMESPACE}.handed_over`]: handedOver };
    span('wait', message, waitedMs, 'acquired', more).end(wall());
  };
  const onRefused = (message: RefusedMessage): void => {
    const { error, waitedMs } = message;
    const refused = span('wait', message, waitedMs, 'refused', { 'error.type': error.code });
    if (FAILURES.includes(error.code)) refused.setStatus({ code: SpanStatusCode.ERROR, message: error.code });
    refused.end(wall());
  };
  const onLost = (message: LostMessage): void => {
    const key = keyOf(message);
    const known = lost.get(key) ?? [];
    known.push({ at: wall(), reason: message.reason });
    lost.set(key, known);
    if (lost.size > MAX_LOST) lost.delete(lost.keys().next().value as string);
  };
  const onReleased = (message: ReleasedMessage): void => {
    const { token, heldMs, outcome } = message;
    const hold = span('hold', message, heldMs, outcome, { [`${NAMESPACE}.token`]: token });
    if (outcome === 'lost') {
      const known = lost.get(keyOf(message)) ?? [];
      const loss = known.shift();
      if (known.length === 0) lost.delete(keyOf(message));
      if (loss !== undefined) hold.addEvent('lost', attributesOf({ reason: loss.reason }), loss.at);
      hold.setStatus({ code: SpanStatusCode.ERROR, message: 'the lock was lost while it was held' });
    }
    hold.end(wall());
  };
  const listeners = [
    [lockChannels.acquired, onAcquired],
    [lockChannels.refused, onRefused],
    [lockChannels.lost, onLost],
    [lockChannels.released, onReleased],
  ] as readonly (readonly [channel: string, listener: (message: unknown) => void])[];
  for (const [name, listener] of listeners) subscribe(name, listener);
  return () => {
    for (const [name, listener] of listeners) unsubscribe(name, listener);
  };
}

/** Readers that share a hold also share its token, and lose it together. */
function keyOf({ name, token }: LostMessage | ReleasedMessage): string {
  return `${String(token)} ${name}`;
}
