import { figure } from '../figures.js';
import { label, type Findings, type Which } from '../findings.js';
import { chart, KINDS, kindOf, type ChartSpec, type Kind } from './chart.js';

export interface BarsOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly which: Which;
  readonly axis: string;
  /** Leaves out what does not talk to Redis at all. */
  readonly onRedis?: boolean;
  /** Turns what was measured into what is shown, larger for better. Default: as it is. */
  readonly show?: (value: number) => number;
}

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly text: string;
}

/** A bar for each contestant, the longest on top, with the range of its rounds. `undefined` where nothing was measured. */
export function bars(findings: Findings, options: BarsOptions): ChartSpec | undefined {
  const rows = rowsOf(findings, options);
  if (rows.length === 0) return undefined;
  const kinds = Object.values(KINDS).filter(({ title }) => rows.some(({ kind }) => kind === title));
  const y = { field: 'name', type: 'nominal', sort: null, axis: { title: null, labelLimit: 320, ticks: false } };
  const x = (field: string): object => ({
    field,
    type: 'quantitative',
    // Room for the numbers behind the bars.
    scale: { domainMin: 0, domainMax: Math.max(...rows.map(({ high }) => high)) * 1.12 },
    axis: { title: options.axis, grid: true, tickCount: 6 },
  });
  return chart(options.title, options.subtitle, {
    width: 620,
    height: { step: 20 },
    data: { values: rows },
    layer: [
      {
        mark: { type: 'bar', height: { band: 0.75 } },
        encoding: {
          y,
          x: x('median'),
          color: {
            field: 'kind',
            type: 'nominal',
            scale: { domain: kinds.map(({ title }) => title), range: kinds.map(({ color }) => color) },
          },
        },
      },
      { mark: { type: 'rule', strokeWidth: 1.5, color: '#222' }, encoding: { y, x: x('low'), x2: { field: 'high' } } },
      ...['low', 'high'].map((end) => ({
        mark: { type: 'tick', thickness: 1.5, size: 8, color: '#222' },
        encoding: { y, x: x(end) },
      })),
      {
        mark: { type: 'text', align: 'left', dx: 6, fontSize: 11, color: '#222' },
        encoding: { y, x: x('high'), text: { field: 'text' } },
      },
    ],
  });
}

function rowsOf(findings: Findings, { which, onRedis = false, show = (value) => value }: BarsOptions): Row[] {
  return findings
    .all(which)
    .filter(({ contestant }) => !onRedis || contestant.client !== 'none')
    .map(({ contestant, measurement }) => {
      const kind: Kind = kindOf(contestant, findings.disqualified(contestant.id, which.case));
      const values = [measurement.low, measurement.high].map(show);
      const median = show(measurement.median);
      return {
        name: label(contestant),
        kind: KINDS[kind].title,
        median,
        low: Math.min(...values),
        high: Math.max(...values),
        text: figure(median) + (kind === 'disqualified' ? ' ✗' : ''),
      };
    })
    .filter(({ median, low, high }) => [median, low, high].every(Number.isFinite))
    .sort((a, b) => b.median - a.median);
}
