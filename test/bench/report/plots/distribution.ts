import { label, type Findings, type Which } from '../findings.js';
import { chart, KINDS, kindOf, type ChartSpec } from './chart.js';

export interface DistributionOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly which: Omit<Which, 'metric'>;
  /** The metrics of p50, p90 and p99. */
  readonly metrics: readonly [string, string, string];
  readonly axis: string;
}

const PERCENTILES = ['p50', 'p90', 'p99'] as const;

/** The median, p90 and p99 of each contestant on one logarithmic line, the smallest median on top. */
export function distribution(findings: Findings, options: DistributionOptions): ChartSpec | undefined {
  const { which, metrics } = options;
  const rows = findings.all({ ...which, metric: metrics[0] }).flatMap(({ contestant, measurement }) => {
    const rest = metrics.slice(1).map((metric) => findings.of(contestant.id, { ...which, metric })?.median);
    const values = [measurement.median, ...rest];
    const disqualified = findings.disqualified(contestant.id, which.case);
    const name = label(contestant) + (disqualified ? ' ✗' : '');
    return [{ name, median: measurement.median, kind: KINDS[kindOf(contestant, disqualified)].title, values }];
  });
  rows.sort((a, b) => a.median - b.median);
  const points = rows.flatMap(({ name, kind, values }) =>
    values.flatMap((value, index) =>
      value === undefined || value <= 0 ? [] : [{ name, kind, value, percentile: PERCENTILES[index] }],
    ),
  );
  if (points.length === 0) return undefined;
  const kinds = Object.values(KINDS).filter(({ title }) => rows.some(({ kind }) => kind === title));
  const y = { field: 'name', type: 'nominal', sort: null, axis: { title: null, labelLimit: 320, ticks: false } };
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log' },
    axis: { title: options.axis, tickCount: 6 },
  };
  const color = {
    field: 'kind',
    type: 'nominal',
    scale: { domain: kinds.map(({ title }) => title), range: kinds.map(({ color: of }) => of) },
  };
  return chart(options.title, options.subtitle, {
    width: 560,
    height: { step: 20 },
    data: { values: points },
    layer: [
      {
        mark: { type: 'line', strokeWidth: 2 },
        encoding: {
          y,
          x,
          color: { ...color, legend: null },
          detail: { field: 'name', type: 'nominal' },
          order: { field: 'value' },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 70, opacity: 1 },
        encoding: {
          y,
          x,
          color,
          shape: {
            field: 'percentile',
            type: 'nominal',
            sort: [...PERCENTILES],
            legend: { orient: 'right', columns: 1 },
          },
        },
      },
    ],
  });
}
