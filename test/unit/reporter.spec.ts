import { describe, expect, it, jest } from '@jest/globals';
import { createLockService, LockConfigError } from 'nestjs-redis-lock';
import { Reporter } from '../../lib/telemetry/reporter.js';
import { leftWarning, lostWarning } from '../../lib/telemetry/warnings.js';

const lines: string[] = [];
const logger = { warn: (message: string) => lines.push(message) };

describe('warnings', () => {
  it('are limited by kind, and report that some are omitted, and later how many', () => {
    lines.length = 0;
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const reporter = new Reporter(logger);
    for (let count = 0; count < 1_000; count += 1) reporter.warn('lost', `lost ${String(count)}`);
    reporter.warn('renewal', 'not renewed');
    expect(lines).toHaveLength(11);
    expect(lines[9]).toContain('lost 9 (Similar warnings are omitted');
    expect(lines[10]).toBe('not renewed');

    now.mockReturnValue(20_000);
    reporter.warn('lost', 'lost again');
    expect(lines[11]).toContain('lost again (990 similar warnings were omitted');
    now.mockRestore();
  });

  it('have no effect if the logger throws or rejects', async () => {
    const throwing = new Reporter({
      warn: () => {
        throw new Error('disk full');
      },
    });
    const rejecting = new Reporter({ warn: () => Promise.reject(new Error('disk full')) });
    throwing.warn('lost', 'lost');
    rejecting.warn('lost', 'lost');
    // An unhandled rejection would fail the test run.
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('escape control characters in names, and shorten long lists of them', () => {
    const lost = lostWarning({ name: 'a\nERROR forged', leaseMs: 1_000, renews: true }, 'expired');
    expect(lost).toContain('"a\\u000aERROR forged"');
    expect(lost).not.toContain('\n');
    const labeled = lostWarning({ name: 'order:7', leaseMs: 1_000, renews: true }, 'expired', 'order:<0>');
    expect(labeled).toContain('Lock "order:7" ("order:<0>") was lost');
    const names = Array.from({ length: 12 }, (_, index) => `job:${String(index)}`);
    expect(leftWarning(names)).toContain('12 locks: "job:0", "job:1", "job:2", "job:3", "job:4" and 7 more');
  });

  it.each([[true], ['console'], [{}], [{ warn: 'yes' }], [() => undefined]])('reject %p as a logger', (given) => {
    const options = { memory: true as const, logger: given as never };
    expect(() => createLockService(options)).toThrow(LockConfigError);
    expect(() => createLockService(options)).toThrow('"logger" must be false or an object with a method warn(message)');
  });
});
