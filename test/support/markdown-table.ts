import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** The cells of a Markdown table, row by row, without the line below the header. */
export function tableCells(table: string): string[][] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.split('|').slice(1, -1))
    .filter((cells) => !cells.every((cell) => /^ ?-+ ?$/.test(cell)))
    .map((cells) => cells.map((cell) => cell.trim()));
}

/** The table of a Markdown file that has a column of this name. */
export function tableOfFile(file: string, column: string): string[][] {
  const tables = readFileSync(repository + file, 'utf8')
    .split('\n\n')
    .filter((block) => block.startsWith('|'))
    .map(tableCells);
  const found = tables.filter(([header]) => header?.includes(column));
  if (found.length !== 1) throw new Error(`${file} has ${found.length} tables with a column "${column}", not one.`);
  return found[0]!;
}
