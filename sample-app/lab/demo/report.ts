import { guards } from '../evolution/guards.js';
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

/** The results of the runs, in one sentence each. Times depend on the machine; the number of queries does not. */
export function summary(results: readonly StampedeResult[]): string {
  const [first] = results;
  const readers = (first?.served.length ?? 0).toLocaleString('en');
  return [`${readers} readers came at once to an empty cache.`, ...results.map(sentence)].join('\n');
}

function sentence({ guard, rebuilds, served }: StampedeResult): string {
  const times = rebuilds === 1 ? 'once' : `${rebuilds.toLocaleString('en')} times`;
  const wrong = served.filter(({ error }) => error !== '').length;
  const right = wrong === 0 ? 'every reader got the catalog' : `${wrong.toLocaleString('en')} readers did not get it`;
  return `  ${guards[guard]}: the slow query ran ${times}, and ${right}, the last one after ${seconds(lastOf(served))}.`;
}

/** The problems of the guarded run; empty if there are none. */
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
  return [guards[guard], rebuilds.toLocaleString('en'), ...[at(1), at(0.5), at(0.99)].map(seconds), ...counts];
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
