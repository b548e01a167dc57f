import type { ContestantInfo } from '../../contestants/contestant.js';

/** A picture as Vega-Lite is told of it. */
export type ChartSpec = Readonly<Record<string, unknown>>;

/** How contestants are told apart: also where colours cannot be. */
export const KINDS = {
  own: { title: 'nestjs-redis-lock', color: '#b3261e' },
  peer: { title: 'library, defaults', color: '#4c78a8' },
  fastest: { title: 'library, fastest setting', color: '#8fb4d9' },
  floor: { title: 'not a library', color: '#9a9a9a' },
  disqualified: { title: 'disqualified: two inside at once', color: '#e8b4b0' },
} as const;

export type Kind = keyof typeof KINDS;

export function kindOf({ kind, setting }: ContestantInfo, disqualified: boolean): Kind {
  if (disqualified) return 'disqualified';
  return kind === 'peer' && setting === 'fastest' ? 'fastest' : kind;
}

/** Large enough to be read in a README, on a light background whatever the reader's theme. */
const CONFIG = {
  font: 'Helvetica, Arial, sans-serif',
  background: 'white',
  view: { stroke: null },
  title: { anchor: 'start', fontSize: 15, subtitleFontSize: 12, subtitleColor: '#555', offset: 12 },
  axis: { labelFontSize: 12, titleFontSize: 12, labelColor: '#222', gridColor: '#e6e6e6', titleFontWeight: 'normal' },
  legend: {
    labelFontSize: 12,
    titleFontSize: 12,
    labelLimit: 0,
    symbolSize: 120,
    orient: 'bottom',
    columns: 3,
    title: null,
  },
} as const;

export function chart(title: string, subtitle: string, rest: ChartSpec): ChartSpec {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, subtitle },
    padding: 12,
    config: CONFIG,
    ...rest,
  };
}
