import type { LiveEvent } from '../../live/replica-report.js';
import { isPermit } from '../state/permits.js';
import { isPermitEvent, isStockLock } from '../state/shop-state.js';
import type { ActionEvent } from '../state/shop-state.js';

export const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(n: number, one: string, many = `${one}s`): string {
  return `${number.format(n)} ${n === 1 ? one : many}`;
}

/** 320 ms, 2.4 s, 41 s. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${number.format(Math.round(ms))} ms`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

export function ago(ms: number): string {
  if (ms < 1_500) return 'now';
  if (ms < 60_000) return `${number.format(Math.round(ms / 1_000))} s ago`;
  return `${number.format(Math.floor(ms / 60_000))} min ago`;
}

/** The end of a token, which is the part that changes. */
export function shortToken(token: number | null): string {
  if (token === null) return 'none';
  const digits = String(token);
  return digits.length > 6 ? `…${digits.slice(-4)}` : digits;
}

/** What a lock or a section of the catalog stands for. */
export function plainName(name: string): string {
  if (name === 'catalog:*' || name === '*') return 'the whole catalog';
  if (name.startsWith('catalog:')) return `the catalog of ${name.slice('catalog:'.length)}`;
  if (name.startsWith('stock:')) return `the stock of ${name.slice('stock:'.length)}`;
  if (name.startsWith('prices')) return 'the prices';
  if (name === 'orders:relay') return 'the order events';
  return name;
}

/** The kinds of events that can be selected, in the order of their checkboxes. */
export const eventKinds = {
  locks: 'taken, released, busy',
  handovers: 'hand-overs',
  renewals: 'renewals',
  trouble: 'lost, errors',
  rebuilds: 'rebuilds',
  prices: 'prices',
  stock: 'stock locks',
  permits: 'permits',
  you: 'you',
} as const;

export type EventKind = keyof typeof eventKinds;

export function kindOf(event: LiveEvent | ActionEvent): EventKind {
  if (isStockLock(event)) return 'stock';
  if (isPermitEvent(event)) return 'permits';
  switch (event.type) {
    case 'acquired':
      return event.handedOver ? 'handovers' : 'locks';
    case 'released':
    case 'busy':
      return 'locks';
    case 'renewed':
      return 'renewals';
    case 'lost':
    case 'error':
      return 'trouble';
    case 'rebuild-began':
    case 'rebuild-ended':
      return 'rebuilds';
    case 'prices-refreshed':
      return 'prices';
    case 'you':
      return 'you';
  }
}

/** The event without its replica, to be read after its name: "took the lock …". */
export function tell(event: LiveEvent | ActionEvent): string {
  switch (event.type) {
    case 'acquired':
      return event.handedOver
        ? `handed ${lock(event)} over to its next caller${token(event.token)}, without a command to Redis`
        : `took ${lock(event)}${token(event.token)}${event.waitedMs < 1 ? '' : ` after ${duration(event.waitedMs)}`}`;
    case 'renewed':
      return `renewed its lease on ${lock(event)}${token(event.token)}`;
    case 'released':
      return `released ${lock(event)}${token(event.token)} after ${duration(event.heldMs)}`;
    case 'lost':
      return `lost ${lock(event)}${token(event.token)}: ${event.reason}`;
    case 'busy':
      return isPermit(event) ? `got no ${permit} in time` : `did not get ${event.name}: another caller holds it`;
    case 'rebuild-began':
      return `began to rebuild ${plainName(event.section)}${token(event.token)}`;
    case 'rebuild-ended':
      return `${event.failed ? 'failed to rebuild' : 'rebuilt'} ${plainName(event.section)} in ${duration(event.ms)}`;
    case 'prices-refreshed':
      return `refreshed the prices${token(event.token)}`;
    case 'error':
      return event.message;
    case 'you':
      return event.text;
  }
}

const permit = 'permit of the supplier';

function lock(event: { readonly name: string }): string {
  return isPermit(event) ? `a ${permit}` : event.name;
}

function token(value: number | null): string {
  return value === null ? '' : `, token ${shortToken(value)}`;
}
