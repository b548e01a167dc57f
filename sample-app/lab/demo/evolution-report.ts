import type { EvolutionCell, EvolutionTable } from '../evolution/evolution-table.js';
import { systems } from '../evolution/systems.js';

const inFull = { min: 40, gap: 3 };

/** The table with a short mark in each cell, cut into several where a line would be longer than `width`. */
export function marks(table: EvolutionTable, width = Number.POSITIVE_INFINITY): string {
  const names = ['', ...table.systems.map(({ title }) => title)];
  const columns = table.scenarios.map(({ name }) => [
    name,
    ...table.cells
      .filter(({ scenario }) => scenario === name)
      .map(({ mark, asExpected }) => (asExpected === false ? `${mark} (!)` : mark)),
  ]);
  const blocks: string[][][] = [];
  let used = 0;
  for (const column of columns) {
    used += widest(column) + inFull.gap;
    if (blocks.length === 0 || used > Math.max(width, inFull.min)) {
      blocks.push([names]);
      used = widest(names) + widest(column) + 2 * inFull.gap + 1;
    }
    blocks.at(-1)?.push(column);
  }
  return blocks.map(grid).join('\n\n');
}

/** A paragraph for each cell in which a lock failed, or that was not as expected. */
export function failuresOf(table: EvolutionTable): string {
  const told = table.cells.filter(({ verdict, asExpected }) => verdict === 'fails' || asExpected === false);
  return told.map(paragraph).join('\n');
}

/** The problems of a run; empty if every cell is as expected and `@WithLock` holds in all of them. */
export function complaintsAbout(table: EvolutionTable): string[] {
  const complaints: string[] = [];
  if (table.state !== 'done') complaints.push(`The run was not completed. ${table.problem ?? ''}`.trim());
  for (const cell of table.cells) {
    const { system, scenario, asExpected, verdict } = cell;
    if (asExpected === false) complaints.push(`${systems[system]}, ${scenario}: not as expected.`);
    else if (system === 'with-lock' && verdict === 'fails') complaints.push(`@WithLock, ${scenario}: failed.`);
  }
  return complaints;
}

function paragraph({ system, scenario, mark, expected, seen, asExpected }: EvolutionCell): string {
  const verdict = asExpected === false ? `NOT AS EXPECTED, ${mark}` : mark;
  return [
    `${systems[system]}, ${scenario}: ${verdict}`,
    `    expected: ${expected}`,
    `    seen:     ${seen ?? 'nothing'}`,
  ].join('\n');
}

/** Columns side by side, as a table of Markdown. */
function grid(columns: readonly (readonly string[])[]): string {
  const widths = columns.map(widest);
  const rows = (columns[0] ?? []).map((_, row) => columns.map((column) => column[row] ?? ''));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  return lines.join('\n');
}

function widest(cells: readonly string[]): number {
  return Math.max(...cells.map(({ length }) => length));
}
