import type { ContestantInfo } from '../contestants/contestant.js';
import type { CaseResult, Measurement } from './measurement.js';

/** A case as plain text: a table for each of its variants, then what could not be measured. */
export function plainTable(result: CaseResult, contestants: readonly ContestantInfo[]): string {
  const variants = groupBy(result.measurements, ({ at }) => JSON.stringify(at));
  const tables = [...variants.values()].map((measurements) => variantTable(measurements, contestants));
  const failures = result.failures.map(({ contestant, reason }) => `  not measured: ${contestant}: ${reason}`);
  return [`${result.title} (${result.id})`, ...tables, ...failures].join('\n\n');
}

function variantTable(measurements: readonly Measurement[], contestants: readonly ContestantInfo[]): string {
  const at = Object.entries(measurements[0]?.at ?? {}).map(([key, value]) => `${value} ${key}`);
  const metrics = [...new Set(measurements.map(({ metric }) => metric))];
  const rows = [...groupBy(measurements, ({ contestant }) => contestant)].map(([id, own]) => {
    const find = (metric: string): Measurement | undefined => own.find((each) => each.metric === metric);
    return { id, first: own[0]?.median ?? 0, overlaps: own[0]?.overlaps ?? 0, note: noteOn(own[0]), find };
  });
  // Best first; who was caught with two inside at once has no rank at all.
  rows.sort((a, b) => Number(a.overlaps > 0) - Number(b.overlaps > 0) || b.first - a.first);
  const cells = rows.map(({ id, overlaps, note, find }) => [
    contestants.find((each) => each.id === id)?.kind === 'own' ? `* ${id}` : `  ${id}`,
    ...metrics.map((metric) => cell(find(metric))),
    [overlaps > 0 ? `DISQUALIFIED: ${overlaps} overlaps` : '', note].filter((text) => text !== '').join('; '),
  ]);
  return `  ${at.join(', ')}\n${aligned([['', ...metrics, ''], ...cells])}`;
}

function noteOn(measurement: Measurement | undefined): string {
  const { gaveUp = 0, note = '' } = measurement ?? {};
  return [gaveUp > 0 ? `gave up ${gaveUp} times` : '', note].filter((text) => text !== '').join('; ');
}

function cell(measurement: Measurement | undefined): string {
  if (measurement === undefined) return '-';
  const { median, low, high } = measurement;
  return low === high ? number(median) : `${number(median)} (${number(low)}..${number(high)})`;
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const last = widths.length - 1;
  const pad = (text: string, column: number): string =>
    column === 0 || column === last ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(pad).join('  ').trimEnd()}`).join('\n');
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}
