import { byId, setText } from '../dom.js';
import type { LockRow } from '../state/lock-board.js';
import { count } from './words.js';

/** The locks on the stock in one row: there is one for each product, and each is held for a few ms. */
export class StockRow {
  private readonly root = byId('stock-locks');

  show(locks: readonly LockRow[]): void {
    this.root.hidden = locks.length === 0;
    const replicas = new Set(locks.flatMap(({ holders }) => holders.map(({ replica }) => replica)));
    const held = locks.filter(({ holders }) => holders.length > 0).length;
    const by = replicas.size === 0 ? '' : `, by ${[...replicas].sort().join(', ')}`;
    this.tell('holder', `${held} of ${count(locks.length, 'lock')} held${by}`);
    const tokens = locks.flatMap(({ lastToken, holders }) => [lastToken, ...holders.map(({ token }) => token)]);
    this.tell('token', String(Math.max(0, ...tokens.map((token) => token ?? 0)) || 'none'));
    const callers = locks.flatMap(({ waiting }) => waiting).reduce((sum, line) => sum + line.callers, 0);
    this.tell('waiting', callers === 0 ? 'none' : count(callers, 'caller'));
  }

  private tell(cell: string, text: string): void {
    const place = this.root.querySelector(`[data-cell="${cell}"]`);
    if (place !== null) setText(place, text);
  }
}
