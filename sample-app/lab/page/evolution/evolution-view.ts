import type { EvolutionCell, EvolutionTable } from '../../evolution/evolution-table.js';
import { byId, element, setAttribute, setText } from '../dom.js';
import { duration } from '../views/words.js';
import { CellDetails } from './cell-details.js';
import { GridKeys } from './grid-keys.js';
import { lookOf, wordsOf } from './marks.js';

/** The table of systems and scenarios. Rows and columns are created once; the cells change during a run. */
export class EvolutionView {
  private readonly table = byId('evolution-table');
  private readonly details = new CellDetails(byId('evolution-details'));
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private shape = '';
  private current: EvolutionTable | null = null;
  private chosen: string | null = null;

  constructor() {
    new GridKeys(this.table);
  }

  show(table: EvolutionTable): void {
    this.current = table;
    const shape = [...table.systems, ...table.scenarios].map(({ name }) => name).join();
    if (shape !== this.shape) this.build(table);
    this.shape = shape;
    for (const cell of table.cells) this.showCell(cell);
    this.showProgress(table);
    if (this.chosen !== null) this.showDetails(this.chosen);
  }

  private build({ systems, scenarios }: EvolutionTable): void {
    this.buttons.clear();
    const head = element('tr', {}, element('th', { scope: 'col', class: 'corner' }, 'Lock'));
    for (const { title } of scenarios) head.append(element('th', { scope: 'col' }, title));
    const body = element('tbody');
    for (const system of systems) {
      const row = element('tr', {}, element('th', { scope: 'row' }, system.title));
      for (const scenario of scenarios)
        row.append(element('td', {}, this.makeButton(keyOf(system.name, scenario.name))));
      body.append(row);
    }
    this.table.replaceChildren(element('thead', {}, head), body);
  }

  private makeButton(key: string): HTMLButtonElement {
    const button = element('button', {
      type: 'button',
      class: 'verdict',
      'aria-expanded': 'false',
      'aria-controls': 'evolution-details',
      tabindex: this.buttons.size === 0 ? '0' : '-1',
    });
    button.addEventListener('click', () => this.choose(key));
    this.buttons.set(key, button);
    return button;
  }

  private showCell(cell: EvolutionCell): void {
    const button = this.buttons.get(keyOf(cell.system, cell.scenario));
    if (button === undefined) return;
    setAttribute(button, 'data-verdict', lookOf(cell));
    setText(button, wordsOf(cell));
  }

  private choose(key: string): void {
    this.chosen = key === this.chosen ? null : key;
    for (const [name, button] of this.buttons) setAttribute(button, 'aria-expanded', String(name === this.chosen));
    if (this.chosen === null) this.details.hide();
    else {
      this.showDetails(this.chosen);
      this.uncover(key);
    }
  }

  /** The details stay at the bottom of the window, and must not cover the cell they are about. */
  private uncover(key: string): void {
    const cell = this.buttons.get(key)?.getBoundingClientRect();
    const covered = (cell?.bottom ?? 0) - byId('evolution-details').getBoundingClientRect().top;
    if (covered > 0) scrollBy({ top: covered + 8 });
  }

  private showDetails(key: string): void {
    const cell = this.current?.cells.find(({ system, scenario }) => keyOf(system, scenario) === key);
    const system = this.current?.systems.find(({ name }) => name === cell?.system);
    const scenario = this.current?.scenarios.find(({ name }) => name === cell?.scenario);
    if (cell !== undefined && system !== undefined && scenario !== undefined) this.details.show(cell, system, scenario);
  }

  private showProgress({ state, cells, tookMs, problem }: EvolutionTable): void {
    const toRun = cells.filter((cell) => cell.state !== 'not-applicable' && cell.state !== 'not-possible');
    const done = toRun.filter((cell) => cell.state === 'done' || cell.state === 'failed');
    const progress = byId('evolution-progress', HTMLProgressElement);
    progress.max = Math.max(1, toRun.length);
    progress.value = done.length;
    progress.hidden = state === 'never-run';
    const surprises = done.filter((cell) => cell.state === 'failed' || cell.asExpected === false).length;
    const seen = surprises === 0 ? 'all as expected' : `${surprises} not as expected`;
    const took = tookMs === null ? '' : ` after ${duration(tookMs)}`;
    const texts: Record<EvolutionTable['state'], string> = {
      'never-run': 'Not run yet.',
      running: `${done.length} of ${toRun.length} cells tried.`,
      done: `${done.length} cells tried in ${duration(tookMs ?? 0)}, ${seen}.`,
      stopped: `Stopped${took}${problem === null ? '' : `: ${problem}`}.`,
    };
    setText(byId('evolution-status'), texts[state]);
  }
}

function keyOf(system: string, scenario: string): string {
  return `${system} ${scenario}`;
}
