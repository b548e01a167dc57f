import { checkWhole } from '../options/checks.js';
import type { CallMessage, MessageMode } from '../telemetry/messages.js';

/** The labels that every measurement of calls has. */
export interface Series {
  /** What the calls have in common: the template of a decorator, or the option `label`; else `OTHER`. */
  readonly template: string;
  readonly mode: MessageMode;
}

/** The template of calls without a label, and of those with a label beyond the limit. */
export const OTHER = 'other';

const MAX_TEMPLATES = 100;

/** How many templates have series of their own. @throws LockConfigError */
export function checkMaxTemplates(value: unknown = MAX_TEMPLATES): number {
  return checkWhole('maxTemplates', value, 0, 10_000);
}

/**
 * Assigns messages to time series. Their number is bounded, whatever labels callers use: a metrics system keeps each series
 * in memory.
 */
export class SeriesRegistry {
  private readonly known = new Map<string, Map<MessageMode, Series>>();

  /**
   * @param maxTemplates how many templates have series of their own
   * @param onNew called once for each series, before it is returned
   */
  constructor(
    private readonly maxTemplates: number,
    private readonly onNew: (series: Series) => void,
  ) {
    this.of({ label: undefined, mode: 'exclusive' });
  }

  of({ label, mode }: Pick<CallMessage, 'label' | 'mode'>): Series {
    const template = label === undefined || !this.admits(label) ? OTHER : label;
    let modes = this.known.get(template);
    if (modes === undefined) this.known.set(template, (modes = new Map<MessageMode, Series>()));
    let series = modes.get(mode);
    if (series === undefined) {
      series = { template, mode };
      modes.set(mode, series);
      this.onNew(series);
    }
    return series;
  }

  /** `OTHER` is known from the start, and does not count. */
  private admits(label: string): boolean {
    return this.known.has(label) || this.known.size <= this.maxTemplates;
  }
}
