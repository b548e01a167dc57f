import type { EvolutionCell, TableScenario, TableSystem } from '../../evolution/evolution-table.js';
import { element } from '../dom.js';
import { countsOf, lookOf, wordsOf } from './marks.js';

/** The details of one cell, below the table. */
export class CellDetails {
  private shown = '';

  constructor(private readonly place: HTMLElement) {}

  show(cell: EvolutionCell, system: TableSystem, scenario: TableScenario): void {
    this.place.hidden = false;
    const state = JSON.stringify(cell);
    if (state === this.shown) return;
    this.shown = state;
    const sign = element('span', { class: 'verdict', 'data-verdict': lookOf(cell) }, wordsOf(cell));
    const list = element('dl', { class: 'told' });
    list.append(...pair('The lock', system.summary), ...pair('The mishap', scenario.story));
    if (cell.state === 'not-applicable' || cell.state === 'not-possible')
      list.append(...pair('Why not', cell.expected));
    else list.append(...pair('Expected', cell.expected), ...pair('Seen', cell.seen ?? 'Not run yet.'));
    this.place.replaceChildren(element('h3', {}, `${system.title}: ${scenario.title}`), element('p', {}, sign), list);
    if (cell.counts === null) return;
    const counts = element('dl', { class: 'counts' });
    for (const [name, value] of countsOf(cell.counts))
      counts.append(element('div', {}, element('dt', {}, name), element('dd', {}, value)));
    this.place.append(counts);
  }

  hide(): void {
    this.place.hidden = true;
    this.shown = '';
  }
}

function pair(name: string, text: string): HTMLElement[] {
  return [element('dt', {}, name), element('dd', {}, text)];
}
