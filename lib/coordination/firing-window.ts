import 'reflect-metadata';

/** The longest window of a cron job. Clocks of replicas that are synchronized at all differ by less. */
const MAX_CRON_WINDOW_MS = 30_000;
const MINUTE_MS = 60_000;
/** By how much two calls of one `@Interval` may be closer together than asked for, at most. */
const MAX_INTERVAL_SLACK_MS = 1_000;

/**
 * The default window of a job that runs once, in ms, from the metadata of `@nestjs/schedule` on its method; `undefined` if
 * there is none, or if it does not tell how far apart two firings are.
 *
 * - `@Cron`: half of the shortest time between two firings, at most 30 s. All replicas fire at the same times.
 * - `@Interval`: the interval, less a tenth or one second. Each replica fires at times of its own, which begin with its
 *   process: with half of the interval, many replicas would run the job twice in each interval.
 */
export function defaultWindow(method: object): number | undefined {
  const cron = metadata(method, 'SCHEDULE_CRON_OPTIONS')?.cronTime;
  if (cron !== undefined) {
    const gapMs = shortestGap(cron);
    return gapMs === undefined ? undefined : Math.min(gapMs / 2, MAX_CRON_WINDOW_MS);
  }
  const interval = metadata(method, 'SCHEDULE_INTERVAL_OPTIONS')?.timeout;
  if (typeof interval !== 'number' || !(interval >= 1)) return undefined;
  return Math.max(1, Math.floor(interval - Math.min(interval / 10, MAX_INTERVAL_SLACK_MS)));
}

/** The shortest time between two firings of a job in ms, as far as the metadata of `@nestjs/schedule` tells it. */
export function timeBetweenFirings(method: object): number | undefined {
  const interval = metadata(method, 'SCHEDULE_INTERVAL_OPTIONS')?.timeout;
  if (typeof interval === 'number' && interval >= 1) return interval;
  const cron = metadata(method, 'SCHEDULE_CRON_OPTIONS')?.cronTime;
  if (typeof cron !== 'string') return undefined;
  const fields = cron.trim().split(/\s+/);
  if (fields.length < 5) return undefined;
  const gapMs = shortestGap(cron);
  return gapMs === undefined || gapMs < MINUTE_MS ? gapMs : gapOfMinutes(fields.slice(-5));
}

/** Of a job that does not fire more than once in a minute. Longer times than an hour are not known. */
function gapOfMinutes([minute = '', hour = '']: readonly string[]): number | undefined {
  const minutes = secondsOf(minute);
  if (minutes === undefined) return undefined;
  const next = hour === '*' ? [60 + (minutes[0] ?? 0)] : [];
  const gaps = [...minutes.slice(1), ...next].map((each, index) => each - (minutes[index] ?? 0));
  return gaps.length === 0 ? undefined : MINUTE_MS * Math.min(...gaps);
}

function metadata(method: object, key: string): Readonly<Record<string, unknown>> | undefined {
  return Reflect.getMetadata(key, method) as Readonly<Record<string, unknown>> | undefined;
}

/** The shortest time between two firings, where it is less than a minute; else a minute. A `Date` fires once. */
function shortestGap(cronTime: unknown): number | undefined {
  if (typeof cronTime !== 'string') return MINUTE_MS;
  if (cronTime.startsWith('@')) return cronTime === '@secondly' ? 1_000 : MINUTE_MS;
  const fields = cronTime.trim().split(/\s+/);
  if (fields.length < 6) return MINUTE_MS;
  const [second = '', minute = ''] = fields;
  const seconds = secondsOf(second);
  if (seconds === undefined) return undefined;
  // From the last second of one minute to the first of the next, unless only one minute of each hour matches.
  const next = /^\d+$/.test(minute) ? [] : [60 + (seconds[0] ?? 0)];
  const gaps = [...seconds.slice(1), ...next].map((each, index) => each - (seconds[index] ?? 0));
  return 1_000 * Math.min(60, ...gaps);
}

/** The values of a field for seconds or minutes in ascending order; `undefined` if it cannot be read. */
function secondsOf(field: string): number[] | undefined {
  const seconds = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (match === null) return undefined;
    const [, from, to, every] = match;
    const step = Number(every ?? 1);
    const first = Number(from ?? 0);
    const last = Number(to ?? (from === undefined || every !== undefined ? 59 : from));
    if (step < 1 || last > 59) return undefined;
    for (let second = first; second <= last; second += step) seconds.add(second);
  }
  return seconds.size === 0 ? undefined : [...seconds].sort((a, b) => a - b);
}
