import { element, KeyedChildren, setAttribute, setText } from '../dom.js';
import type { Part } from '../dom.js';
import type { LockHolder, LockRow } from '../state/lock-board.js';
import { StockRow } from './stock-row.js';
import { count, duration } from './words.js';

interface Row {
  readonly lock: LockRow;
  readonly now: number;
}

/** How long a renewal is marked, in ms. */
const markedMs = 900;

/** A row for each lock that is held or was a moment ago. */
export class LockTable {
  private readonly rows: KeyedChildren<Row>;
  private readonly stock = new StockRow();

  constructor(
    body: HTMLElement,
    private readonly none: HTMLElement,
    private readonly box: HTMLElement,
  ) {
    this.rows = new KeyedChildren<Row>(body, ({ lock }) => lock.name, makeRow);
  }

  show(locks: readonly LockRow[], now: number): void {
    const isStock = ({ name }: LockRow): boolean => name.startsWith('stock:');
    this.rows.show(locks.filter((lock) => !isStock(lock)).map((lock) => ({ lock, now })));
    this.stock.show(locks.filter(isStock));
    this.none.hidden = locks.length > 0;
    this.box.hidden = locks.length === 0;
  }
}

function makeRow({ lock: { name } }: Row): Part<Row> {
  const holder = element('td');
  const token = element('td', { class: 'token' });
  const bar = element('span', { class: 'bar-fill' });
  const left = element('span', { class: 'bar-text' });
  const lease = element('td', { class: 'lease' }, element('span', { class: 'bar', 'aria-hidden': 'true' }, bar), left);
  const waiting = element('td');
  const root = element('tr', {}, element('th', { scope: 'row' }, name), holder, lease, token, waiting);
  return {
    root,
    show: ({ lock, now }) => {
      const [first, ...overtaken] = lock.holders;
      setAttribute(root, 'data-held', first === undefined ? 'no' : first.silent ? 'silent' : 'yes');
      setText(holder, holderText(first, overtaken, lock));
      setText(token, tokenText(first, lock));
      showLease(first, lock, now, bar, left);
      setText(waiting, waitingText(lock));
    },
  };
}

function holderText(first: LockHolder | undefined, overtaken: readonly LockHolder[], lock: LockRow): string {
  if (first === undefined) return lock.lastHolder === null ? 'free' : `free (last: ${lock.lastHolder})`;
  const name = first.silent ? `${first.replica}, silent` : first.replica;
  if (overtaken.length === 0) return name;
  const others = overtaken.map(({ replica }) => replica).join(', ');
  return first.token === null ? `${name} and at the same time ${others}` : `${name} (overtook ${others})`;
}

function tokenText(first: LockHolder | undefined, lock: LockRow): string {
  const token = first === undefined ? lock.lastToken : first.token;
  return token === null ? 'none' : String(token);
}

function showLease(
  first: LockHolder | undefined,
  lock: LockRow,
  now: number,
  bar: HTMLElement,
  left: HTMLElement,
): void {
  const remaining = first?.remainingMs ?? null;
  const share = remaining === null || lock.leaseMs === 0 ? 0 : Math.min(1, remaining / lock.leaseMs);
  bar.style.setProperty('transform', `scaleX(${share.toFixed(3)})`);
  setAttribute(bar, 'data-low', share < 0.34 ? 'yes' : null);
  const renewed = now - lock.renewedAt < markedMs;
  setAttribute(left, 'data-renewed', renewed ? 'yes' : null);
  if (first === undefined) setText(left, '–');
  else if (remaining === null) setText(left, 'no lease');
  else setText(left, `${remaining === 0 ? 'over' : duration(remaining)}${renewed ? ', renewed' : ''}`);
}

function waitingText({ waiting }: LockRow): string {
  if (waiting.length === 0) return 'none';
  return waiting.map(({ replica, callers }) => `${replica}: ${count(callers, 'caller')}`).join(', ');
}
