/** The shop's configuration is injected, but these go into decorators, which are read when the class is loaded. */
export interface PriceSettings {
  /** When the prices are refreshed: a cron expression, in the time zone of the process. */
  readonly cron: string;
  /**
   * How long the lock of a refresh is kept at least, in ms: longer than the clocks of the replicas are apart, so that
   * nobody runs the same fire again, and shorter than the time between two fires.
   */
  readonly holdMs: number;
}

export function readPriceSettings(env: NodeJS.ProcessEnv = process.env): PriceSettings {
  const cron = env.PRICES_CRON ?? '';
  const holdMs = env.PRICES_HOLD_MS ?? '';
  if (holdMs !== '' && !/^\d{1,7}$/.test(holdMs)) {
    throw new Error(`PRICES_HOLD_MS must be a whole number of at most 7 digits, but is "${holdMs}".`);
  }
  return { cron: cron === '' ? '0 3 * * *' : cron, holdMs: holdMs === '' ? 60_000 : Number(holdMs) };
}
