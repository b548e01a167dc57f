import { systems } from '../src/evolution/systems.js';
import { lastOf } from './stampede.js';
import type { StampedeResult } from './stampede.js';

const columns = ['guard', 'rebuilds', 'last reader after', 'p50', 'p99', 'Redis commands', 'errors'];

/** The runs side by side. */
export function table(results: readonly StampedeResult[]): string {
  const rows = [columns, ...results.map(cells)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`,
  );
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  return lines.join('\n');
}

/** How the guarded run compares with one rebuild by itself. Told, not judged: it depends on the machine. */
export function comparison({ served, aloneMs, warmMs }: StampedeResult): string {
  const last = lastOf(served);
  return [
    `One reader of a cold catalog, by itself: ${seconds(aloneMs)}.`,
    `With @WithLock the last of ${String(served.length)} readers had the catalog after ${seconds(last)}: ` +
      `${(last / aloneMs).toFixed(2)} times that.`,
    `This machine needs ${seconds(warmMs)} to hand out as many answers when the catalog is warm.`,
  ].join('\n');
}

/** What is wrong with the guarded run; nothing, if all is well. */
export function complaints(result: StampedeResult): string[] {
  const wrong = failures(result);
  if (result.rebuilds !== 1) wrong.push(`The catalog was rebuilt ${String(result.rebuilds)} times, not once.`);
  return wrong;
}

/** How many readers got no catalog or a wrong one, for each reason. */
export function failures({ served }: StampedeResult): string[] {
  const counts = new Map<string, number>();
  for (const { error } of served) if (error !== '') counts.set(error, (counts.get(error) ?? 0) + 1);
  return [...counts].map(([error, count]) => `${String(count)} readers: ${error}`);
}

function cells({ guard, rebuilds, served, redisCommands }: StampedeResult): string[] {
  const sorted = served.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  const errors = served.filter(({ error }) => error !== '').length;
  const counts = [redisCommands, errors].map((count) => count.toLocaleString('en'));
  return [systems[guard], rebuilds.toLocaleString('en'), ...[at(1), at(0.5), at(0.99)].map(seconds), ...counts];
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
