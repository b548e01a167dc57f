import type { StampedeState } from '../../controls/control-state.js';
import type { GuardName } from '../../evolution/guards.js';
import { byId, element, KeyedChildren, setAttribute, setText } from '../dom.js';
import type { Part } from '../dom.js';
import { count, duration, number } from '../views/words.js';
import { guards } from './guards.js';

/** The last stampede for each guard, side by side, the newest first. */
export class Results {
  private readonly last = new Map<GuardName, StampedeState>();
  private readonly none = byId('results-none');
  private readonly cards = new KeyedChildren<StampedeState>(byId('results'), ({ guard }) => guard, makeCard);

  take(run: StampedeState | null): void {
    if (run === null) return;
    const known = this.last.get(run.guard);
    if (known?.startedAt === run.startedAt && known.lastMs !== null) return;
    this.last.set(run.guard, run);
    this.cards.show([...this.last.values()].sort((a, b) => b.startedAt - a.startedAt));
    this.none.hidden = true;
  }
}

function makeCard({ guard }: StampedeState): Part<StampedeState> {
  const rebuilds = element('b');
  const unit = element('span');
  const readers = element('p', { class: 'result-readers' });
  const times = element('p', { class: 'hint' });
  const big = element('p', { class: 'result-rebuilds' }, rebuilds, ' ', unit);
  const root = element(
    'li',
    { class: 'result', 'data-guard': guard },
    element('h4', {}, guards[guard].label),
    big,
    readers,
    times,
  );
  return {
    root,
    show: (run) => {
      const over = run.lastMs !== null;
      setAttribute(root, 'data-outcome', over ? (run.rebuilds <= 1 && run.errors === 0 ? 'good' : 'bad') : 'running');
      setText(rebuilds, number.format(run.rebuilds));
      setText(unit, `${run.rebuilds === 1 ? 'rebuild' : 'rebuilds'}${over ? '' : ' so far'}`);
      setText(readers, readersLine(run));
      setText(times, timesLine(run));
    },
  };
}

function readersLine({ readers, served, errors, refused, lastMs }: StampedeState): string {
  const failed = errors - refused;
  const errorsText = [
    failed === 0 ? '' : `, ${count(failed, 'error')}`,
    refused === 0 ? '' : `, ${number.format(refused)} refused (409, lock busy)`,
  ].join('');
  if (lastMs === null) return `${number.format(served)} of ${count(readers, 'reader')} served${errorsText}`;
  return `for ${count(readers, 'reader')}${errors === 0 ? '' : `, ${number.format(served)} served`}${errorsText}`;
}

function timesLine({ p50Ms, p99Ms, lastMs }: StampedeState): string {
  if (lastMs === null) return 'under way';
  const half = p50Ms === null ? '' : `half within ${duration(p50Ms)}, `;
  const most = p99Ms === null ? '' : `99 % within ${duration(p99Ms)}, `;
  return `${half}${most}the last after ${duration(lastMs)}`;
}
