import { ConfigError, whole } from '../config/config.js';

const hour = 3_600_000;

/** The shop's configuration is injected, but these go into decorators, which are read when the class is loaded. */
export interface PriceSettings {
  /** When the prices are refreshed: a cron expression, in the time zone of the process. */
  readonly cron: string;
  /**
   * Calls of the replicas within this time are one fire, in ms, and so long a replica tries to reach Redis: longer than
   * their clocks are apart, and shorter than the time between two fires.
   */
  readonly windowMs: number;
  /** How long a refresh that cannot reach the database or the supplier is tried again, in ms. */
  readonly retryMs: number;
}

export function readPriceSettings(env: NodeJS.ProcessEnv = process.env): PriceSettings {
  return {
    cron: cronExpression(env),
    windowMs: whole(env, 'PRICES_WINDOW_MS', 10 * 60_000, 1, 24 * hour),
    retryMs: whole(env, 'PRICES_RETRY_MS', 10 * 60_000, 0, hour),
  };
}

function cronExpression(env: NodeJS.ProcessEnv): string {
  const text = env.PRICES_CRON ?? '';
  if (text === '') return '0 3 * * *';
  if (/^[\w*/,?-]+( +[\w*/,?-]+){4,5}$/.test(text)) return text;
  throw new ConfigError(`PRICES_CRON must have five or six fields, such as "0 3 * * *", but is "${text}".`);
}
