import type { Findings } from '../findings.js';
import { bars } from './bars.js';
import type { ChartSpec } from './chart.js';
import { curves } from './curves.js';
import { distribution } from './distribution.js';

/** A picture of the results. */
export interface Plot {
  /** The file's name, without its ending. */
  readonly name: string;
  /** What it shows, for those who do not see it. */
  readonly title: string;
  readonly spec: ChartSpec;
}

const SPREAD = 'Median of the rounds; the line is from the slowest to the fastest of them.';
const HUNDRED = 100;

/** All pictures for which something was measured. */
export function plotsOf(findings: Findings): Plot[] {
  const candidates: readonly (readonly [string, string, (title: string) => ChartSpec | undefined])[] = [
    [
      'lone',
      'Acquire and release, one caller',
      (title) =>
        bars(findings, {
          title,
          subtitle: SPREAD,
          which: { case: 'lone', metric: 'sectionsPerSecond' },
          onRedis: true,
          axis: 'sections a second',
        }),
    ],
    [
      'names',
      '64 callers on 64 names, empty sections',
      (title) =>
        bars(findings, {
          title,
          subtitle: SPREAD,
          which: { case: 'names', metric: 'sectionsPerSecond', at: { callers: 64 } },
          onRedis: true,
          axis: 'sections a second',
        }),
    ],
    [
      'hot',
      '50 callers of one process on one name, sections of 1 ms',
      (title) =>
        bars(findings, {
          title,
          subtitle: SPREAD,
          which: { case: 'hot', metric: 'sectionsPerSecond', at: { callers: 50, sectionMs: 1 } },
          axis: 'sections a second',
        }),
    ],
    [
      'processes',
      '4 processes with 16 callers each on one name, sections of 1 ms',
      (title) =>
        bars(findings, {
          title,
          subtitle: `How much of the time somebody was inside: 100 % is the sections laid end to end. ${SPREAD}`,
          which: { case: 'processes', metric: 'stretch', at: { processes: 4 } },
          axis: '% of the time',
          show: (stretch) => HUNDRED / stretch,
        }),
    ],
    [
      'hand-over',
      'Hand-over between two processes',
      (title) =>
        distribution(findings, {
          title,
          subtitle: 'From the end of a section to the beginning of the next in the other process.',
          which: { case: 'hand-over' },
          metrics: ['handOverMs', 'handOverP90Ms', 'handOverP99Ms'],
          axis: 'ms, logarithmic',
        }),
    ],
    ...scalingPlots(findings),
  ];
  return candidates.flatMap(([name, title, make]) => {
    const spec = make(title);
    return spec === undefined ? [] : [{ name, title, spec }];
  });
}

function scalingPlots(findings: Findings): [string, string, (title: string) => ChartSpec | undefined][] {
  const of = (along: string, metric: string, x: string, y: string) => (title: string) =>
    curves(findings, { title, subtitle: SPREAD, which: { case: 'scaling', metric }, along, axes: { x, y } });
  return [
    [
      'scaling-names',
      'Time per section as names grow',
      of('names', 'microsecondsPerSection', 'callers, each on a name of its own', 'µs a section'),
    ],
    [
      'scaling-waiters',
      'Time per section as the callers of one name grow',
      of('waiters', 'microsecondsPerSection', 'callers of one name in one process', 'µs a section'),
    ],
    [
      'scaling-processes',
      'Time per section of 1 ms as processes grow',
      of('processes', 'msPerSection', 'processes with one caller each, one name', 'ms a section'),
    ],
  ];
}
