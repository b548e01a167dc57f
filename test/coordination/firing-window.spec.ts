import { describe, expect, it } from '@jest/globals';
import { Cron, CronExpression, Interval, Timeout } from '@nestjs/schedule';
import { CronTime } from 'cron';
import * as fc from 'fast-check';
import { defaultWindow, timeBetweenFirings } from '../../lib/coordination/firing-window.js';

/** The window that is derived for a method with this decorator. */
function windowWith(decorator: MethodDecorator): number | undefined {
  const method = (): void => undefined;
  decorator({}, 'method', { value: method });
  return defaultWindow(method);
}

describe('the default window of a job', () => {
  it.each([
    { what: 'every second', cron: CronExpression.EVERY_SECOND, window: 500 },
    { what: 'every 10 seconds', cron: CronExpression.EVERY_10_SECONDS, window: 5_000 },
    { what: 'every 30 seconds', cron: CronExpression.EVERY_30_SECONDS, window: 15_000 },
    { what: 'every minute', cron: CronExpression.EVERY_MINUTE, window: 30_000 },
    { what: 'every hour', cron: CronExpression.EVERY_HOUR, window: 30_000 },
    { what: 'every day', cron: '0 3 * * *', window: 30_000 },
    { what: 'two seconds of one minute of an hour', cron: '0,50 7 * * * *', window: 25_000 },
    { what: 'two seconds of every minute', cron: '0,50 * * * * *', window: 5_000 },
    { what: 'a range with steps', cron: '10-40/15 * * * * *', window: 7_500 },
    { what: 'spaces in excess', cron: '  */20  *  * * * * ', window: 10_000 },
    { what: 'a preset', cron: '@daily', window: 30_000 },
    { what: 'the preset for each second', cron: '@secondly', window: 500 },
    { what: 'a time zone', cron: '0 3 * * *', options: { timeZone: 'Europe/Berlin' }, window: 30_000 },
    { what: 'a date', cron: new Date(2_000_000_000_000), window: 30_000 },
    { what: 'a date in the past', cron: new Date(0), window: 30_000 },
  ])('is $window ms for @Cron of $what', ({ cron, options, window }) => {
    expect(windowWith(Cron(cron, options as object))).toBe(window);
  });

  it.each([
    { interval: 600_000, window: 599_000 },
    { interval: 10_000, window: 9_000 },
    { interval: 1_000, window: 900 },
    { interval: 5, window: 4 },
    { interval: 1, window: 1 },
  ])('is $window ms for @Interval($interval)', ({ interval, window }) => {
    expect(windowWith(Interval(interval))).toBe(window);
    expect(windowWith(Interval('named', interval))).toBe(window);
  });

  it('is unknown for @Timeout, for a method without metadata, and for an expression that cannot be read', () => {
    expect(windowWith(Timeout(1_000))).toBeUndefined();
    expect(windowWith(() => undefined)).toBeUndefined();
    expect(windowWith(Cron('x * * * * *'))).toBeUndefined();
  });

  it('is at most half of the time between any two firings that the scheduler computes', () => {
    const second = fc.integer({ min: 0, max: 59 });
    const step = fc.integer({ min: 1, max: 59 });
    const part = fc.oneof(
      fc.constant('*'),
      second.map(String),
      step.map((each) => `*/${String(each)}`),
      fc.tuple(second, step).map(([from, each]) => `${String(from)}/${String(each)}`),
      fc.tuple(second, second).map(([a, b]) => `${String(Math.min(a, b))}-${String(Math.max(a, b))}`),
      fc
        .tuple(second, second, step)
        .map(([a, b, n]) => `${String(Math.min(a, b))}-${String(Math.max(a, b))}/${String(n)}`),
    );
    const seconds = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(','));
    const minutes = fc.constantFrom('*', '7', '0,1', '*/15');
    fc.assert(
      fc.property(seconds, minutes, (ofMinute, ofHour) => {
        const expression = `${ofMinute} ${ofHour} * * * *`;
        const window = windowWith(Cron(expression)) ?? NaN;
        const times = new CronTime(expression, 'UTC').sendAt(25).map((each) => each.toMillis());
        const shortest = Math.min(...times.slice(1).map((each, index) => each - (times[index] ?? NaN)));
        expect(window).toBeGreaterThanOrEqual(500);
        expect(window).toBeLessThanOrEqual(shortest / 2);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the time between two firings of a job', () => {
  const between = (key: string, options: object): number | undefined => {
    const method = (): void => undefined;
    Reflect.defineMetadata(key, options, method);
    return timeBetweenFirings(method);
  };

  it.each([
    ['* * * * * *', 1_000],
    ['*/10 * * * * *', 10_000],
    ['0,20 * * * * *', 20_000],
    ['* * * * *', 60_000],
    ['*/5 * * * *', 300_000],
    ['0 */5 * * * *', 300_000],
    ['0,15 * * * *', 900_000],
    ['0,15 3 * * *', 900_000],
    ['30 * * * *', 3_600_000],
    ['0 3 * * *', undefined],
    ['0 0 3 * * *', undefined],
    ['@daily', undefined],
    ['x * * * *', undefined],
  ])('is read from %s', (cronTime, gapMs) => {
    expect(between('SCHEDULE_CRON_OPTIONS', { cronTime })).toBe(gapMs);
  });

  it('is the interval of @Interval, and unknown for a date and without metadata', () => {
    expect(between('SCHEDULE_INTERVAL_OPTIONS', { timeout: 500 })).toBe(500);
    expect(between('SCHEDULE_CRON_OPTIONS', { cronTime: new Date() })).toBeUndefined();
    expect(timeBetweenFirings(() => undefined)).toBeUndefined();
  });
});
