import { label, type Findings, type Which } from '../findings.js';
import type { Measurement } from '../measurement.js';
import { chart, type ChartSpec } from './chart.js';

export interface CurvesOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly which: Omit<Which, 'at'>;
  /** The key of `at` that goes along the axis. */
  readonly along: string;
  readonly axes: { readonly x: string; readonly y: string };
  /** Whose curves are drawn. Default: everybody's. */
  readonly contestants?: readonly string[];
}

/** A curve for each contestant over something that was varied, both on logarithmic axes, with the range of its rounds. */
export function curves(findings: Findings, options: CurvesOptions): ChartSpec | undefined {
  const { along, which, axes, contestants } = options;
  const points = findings.contestants
    .filter(({ id }) => contestants?.includes(id) ?? true)
    .flatMap((contestant) =>
      measurementsOf(findings, contestant.id, which)
        .filter(({ at, median }) => at[along] !== undefined && median > 0)
        .map(({ at, median, low, high }) => ({ name: label(contestant), at: at[along], median, low, high })),
    );
  if (points.length === 0) return undefined;
  const x = {
    field: 'at',
    type: 'quantitative',
    scale: { type: 'log' },
    axis: { title: axes.x, values: [...new Set(points.map(({ at }) => at))], grid: false },
  };
  const y = (field: string): object => ({
    field,
    type: 'quantitative',
    scale: { type: 'log' },
    axis: { title: axes.y, tickCount: 4 },
  });
  const names = [...new Set(points.map(({ name }) => name))];
  const color = { field: 'name', type: 'nominal', scale: { domain: names, range: COLORS } };
  return chart(options.title, options.subtitle, {
    width: 560,
    height: 280,
    data: { values: points },
    layer: [
      { mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y: y('median'), color } },
      { mark: { type: 'rule', strokeWidth: 1.5 }, encoding: { x, y: y('low'), y2: { field: 'high' }, color } },
      {
        mark: { type: 'point', filled: true, size: 60, opacity: 1 },
        encoding: { x, y: y('median'), color, shape: { field: 'name', type: 'nominal', scale: { domain: names } } },
      },
    ],
  });
}

/** Our own comes first in every list of contestants. */
const COLORS = ['#b3261e', '#4c78a8', '#e0a100', '#3f8f5f', '#7b5ea7', '#8a8a8a', '#d17a22', '#2aa1a1'];

function measurementsOf(findings: Findings, id: string, which: Omit<Which, 'at'>): Measurement[] {
  return findings.variants(which.case, which.metric).flatMap((at) => findings.of(id, { ...which, at }) ?? []);
}
