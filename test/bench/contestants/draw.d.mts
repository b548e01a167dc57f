import type { ChartSpec } from '../report/plots/chart.js';

/** A chart as the text of an SVG file. */
export function draw(spec: ChartSpec): Promise<string>;
