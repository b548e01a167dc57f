import { ConfigError, whole } from '../config/config.js';

const hour = 3_600_000;

/** The shop's configuration is injected, but these go into decorators, which are read when the class is loaded. */
export interface PriceSettings {
  /** When the prices are refreshed: a cron expression, in the time zone of the process. */
  readonly cron: string;
  /**
   * How long the lock of a refresh is kept at least, in ms: longer than the clocks of the replicas are apart, so that
   * no replica runs the same fire again, and shorter than the time between two fires.
   */
  readonly holdMs: number;
  /** How long a refresh that cannot reach the database or the lock is tried again, in ms. */
  readonly retryMs: number;
}

export function readPriceSettings(env: NodeJS.ProcessEnv = process.env): PriceSettings {
  return {
    cron: cronExpression(env),
    holdMs: whole(env, 'PRICES_HOLD_MS', 60_000, 0, hour),
    retryMs: whole(env, 'PRICES_RETRY_MS', 10 * 60_000, 0, hour),
  };
}

function cronExpression(env: NodeJS.ProcessEnv): string {
  const text = env.PRICES_CRON ?? '';
  if (text === '') return '0 3 * * *';
  if (/^[\w*/,?-]+( +[\w*/,?-]+){4,5}$/.test(text)) return text;
  throw new ConfigError(`PRICES_CRON must have five or six fields, such as "0 3 * * *", but is "${text}".`);
}
