import type UPlot from 'uplot';
import { element, setText } from '../dom.js';

// index.html loads it as a plain script: it comes without a module that a browser could find by its name.
const { uPlot } = globalThis as unknown as { readonly uPlot: typeof UPlot };

export interface Line {
  readonly label: string;
  /** A custom property of the style sheet that holds a colour. */
  readonly colour: string;
  /** Lines differ by their dashes, too. Default: none. */
  readonly dash?: readonly number[];
  readonly bars?: boolean;
}

export interface ChartOptions {
  readonly title: string;
  readonly lines: readonly Line[];
  /** A value as it is read at the axis and in the legend. */
  readonly text: (value: number) => string;
}

const height = 150;
const shownSeconds = 60;

/** One chart over the last minute, with a legend that also tells the last values. */
export class Chart {
  readonly root: HTMLElement;
  private readonly box: HTMLElement;
  private readonly values: readonly HTMLElement[];
  private data: UPlot.AlignedData = [[]];
  private plot: UPlot | null = null;
  private lastSecond = 0;

  constructor(private readonly options: ChartOptions) {
    this.box = element('div', { class: 'chart-box', role: 'img' });
    this.values = options.lines.map(() => element('b'));
    const legend = element('ul', { class: 'legend' });
    options.lines.forEach((line, index) => {
      const sign = element('span', { class: 'sign', 'data-sign': line.bars ? 'bar' : line.dash ? 'dashed' : 'line' });
      sign.style.setProperty('--sign', `var(${line.colour})`);
      legend.append(element('li', {}, sign, line.label, ' ', this.values[index] ?? ''));
    });
    const title = element('h3', {}, options.title);
    this.root = element('figure', { class: 'chart' }, element('figcaption', {}, title, legend), this.box);
    new ResizeObserver(() => this.plot?.setSize({ width: this.box.clientWidth, height })).observe(this.box);
  }

  /** Redraws the chart with the present colours after a change of the theme. */
  redraw(): void {
    this.plot?.destroy();
    this.plot = new uPlot(this.plotOptions(), this.data, this.box);
  }

  /** @param lastSecond where the time axis ends, also when nothing is known of it */
  show(lastSecond: number, seconds: readonly number[], series: readonly (readonly (number | null)[])[]): void {
    this.lastSecond = lastSecond;
    this.data = [[...seconds], ...series.map((values) => [...values])];
    const last = series.map((values) => values.at(-1) ?? null);
    this.values.forEach((value, index) => {
      const current = last[index] ?? null;
      setText(value, current === null ? '–' : this.options.text(current));
    });
    const told = this.options.lines.map(({ label }, index) => `${label} ${this.values[index]?.textContent ?? ''}`);
    this.box.setAttribute('aria-label', `${this.options.title}, last second: ${told.join(', ')}`);
    if (this.plot === null) this.redraw();
    else this.plot.setData(this.data);
  }

  private plotOptions(): UPlot.Options {
    const style = getComputedStyle(this.box);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis: UPlot.Axis = {
      stroke: colour('--muted'),
      font: `12px ${style.fontFamily}`,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    };
    const now = (): number => this.lastSecond;
    return {
      width: Math.max(120, this.box.clientWidth),
      height,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [now() - shownSeconds, now()] },
        y: { range: (_plot, _min, max) => [0, niceTop(max)] },
      },
      axes: [
        {
          ...axis,
          size: 34,
          gap: 8,
          splits: () => [shownSeconds, 45, 30, 15, 0].map((back) => now() - back),
          values: (_plot, splits) => splits.map((at) => (at === now() ? 'now' : `−${String(now() - at)} s`)),
        },
        { ...axis, size: 52, values: (_plot, splits) => splits.map((value) => this.options.text(value)) },
      ],
      series: [
        {},
        ...this.options.lines.map(({ label, colour: name, dash, bars }) => ({
          label,
          stroke: colour(name),
          width: 2,
          points: { show: false },
          ...(dash ? { dash: [...dash] } : {}),
          ...(bars ? { fill: colour(name), width: 0, paths: uPlot.paths.bars?.({ size: [0.8, 12] }) } : {}),
        })),
      ],
    };
  }
}

/** The top of the axis: a little above the highest value, and never so low that nothing looks like much. */
function niceTop(max: number | null): number {
  return Math.max(4, (max ?? 0) * 1.1);
}
