import { byId } from '../dom.js';
import type { History, Second } from '../state/history.js';
import { Chart } from './chart.js';
import type { ChartOptions } from './chart.js';
import { duration, number } from './words.js';

interface Figure extends ChartOptions {
  readonly values: readonly ((second: Second) => number | null)[];
}

const plain = (value: number): string => number.format(value);

const figures: readonly Figure[] = [
  {
    title: 'Requests and cache hits, each second',
    text: plain,
    lines: [
      { label: 'requests', colour: '--chart-1' },
      { label: 'cache hits', colour: '--chart-2', dash: [6, 4] },
    ],
    values: [({ requests }) => requests, ({ hits }) => hits],
  },
  {
    title: 'Rebuilds of the catalog, each second',
    text: plain,
    lines: [{ label: 'rebuilds', colour: '--chart-3', bars: true }],
    values: [({ rebuilds }) => rebuilds],
  },
  {
    title: 'How long an answer took',
    text: duration,
    lines: [
      { label: 'half of them, at most (p50)', colour: '--chart-1' },
      { label: '99 of 100, at most (p99)', colour: '--chart-4', dash: [6, 4] },
    ],
    values: [({ p50Ms }) => p50Ms, ({ p99Ms }) => p99Ms],
  },
  {
    title: 'Errors and refusals, each second',
    text: plain,
    lines: [
      { label: 'answers with 5xx', colour: '--chart-5', bars: true },
      { label: 'refused, lock busy (409)', colour: '--chart-4' },
    ],
    values: [({ failed }) => failed, ({ refused }) => refused],
  },
];

/** The last minute in four charts. They change once a second. */
export class Charts {
  private readonly charts = figures.map((figure) => new Chart(figure));
  private shownAt = 0;

  constructor(private readonly history: History) {
    byId('charts').append(...this.charts.map(({ root }) => root));
  }

  show(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second === this.shownAt) return;
    this.shownAt = second;
    const seconds = this.history.seconds(now);
    const times = seconds.map((one) => one.second);
    this.charts.forEach((chart, index) => {
      chart.show(second - 1, times, figures[index]?.values.map((value) => seconds.map(value)) ?? []);
    });
  }

  redraw(): void {
    for (const chart of this.charts) chart.redraw();
  }
}
