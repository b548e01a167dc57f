import { figure, variantText, withSpread, words } from './figures.js';
import { label, type Findings } from './findings.js';
import { markdownTable } from './markdown.js';
import type { CaseResult, Measurement } from './measurement.js';

/** A case in Markdown: a table for each of its variants. Our own library in bold, those with overlaps last. */
export function caseTables(result: CaseResult, findings: Findings): string {
  const variants = new Map<string, Measurement[]>();
  for (const measurement of result.measurements) {
    const key = variantText(measurement.at);
    variants.set(key, [...(variants.get(key) ?? []), measurement]);
  }
  return [...variants]
    .map(([variant, measurements]) => {
      const table = variantTable(measurements, findings, result.id);
      return variant === '' ? table : `**${variant}**\n\n${table}`;
    })
    .join('\n\n');
}

function variantTable(measurements: readonly Measurement[], findings: Findings, inCase: string): string {
  const metrics = [...new Map(measurements.map(({ metric, unit }) => [metric, unit]))];
  const first = metrics[0]?.[0];
  const rows = findings.contestants
    .map((contestant) => ({ contestant, own: measurements.filter((each) => each.contestant === contestant.id) }))
    .filter(({ own }) => own.length > 0)
    .map(({ contestant, own }) => {
      const find = (metric: string | undefined): Measurement | undefined => own.find((each) => each.metric === metric);
      const out = findings.disqualified(contestant.id, inCase);
      const name = contestant.kind === 'own' ? `**${label(contestant)}**` : label(contestant);
      return { name, out, rank: find(first)?.median ?? 0, find, remarks: remarks(own, out) };
    })
    .sort((a, b) => Number(a.out) - Number(b.out) || b.rank - a.rank);
  const withRemarks = rows.some((row) => row.remarks !== '');
  return markdownTable(
    ['', ...metrics.map(([metric, unit]) => heading(metric, unit)), ...(withRemarks ? [''] : [])],
    rows.map(({ name, find, remarks: remark }) => [
      name,
      ...metrics.map(([metric]) => {
        const found = find(metric);
        return found === undefined ? '–' : withSpread(found);
      }),
      ...(withRemarks ? [remark] : []),
    ]),
  );
}

function remarks(own: readonly Measurement[], disqualified: boolean): string {
  const overlaps = Math.max(...own.map((each) => each.overlaps));
  const gaveUp = Math.max(...own.map((each) => each.gaveUp ?? 0));
  return [
    disqualified ? `**disqualified**: ${figure(overlaps)} overlaps here` : '',
    gaveUp > 0 ? `gave up ${figure(gaveUp)} ×` : '',
    ...new Set(own.map(({ note = '' }) => note)),
  ]
    .filter((text) => text !== '')
    .join('; ');
}

/** `cpuMicrosecondsPerSection` in µs → `cpu microseconds per section (µs)`. */
function heading(metric: string, unit: string): string {
  return `${words(metric)} (${unit})`;
}
