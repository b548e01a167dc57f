import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import {
  LockAbortedError,
  LockBusyError,
  LockConfigError,
  LockError,
  LockLostError,
  LockNameError,
  LockShutdownError,
  LockUnavailableError,
} from 'nestjs-redis-lock';
import { OverdueError } from '../../lib/stores/overdue-error.js';
import { WrongKindError } from '../../lib/stores/wrong-kind-error.js';

const cause = new Error('the cause');
const all = [
  new LockBusyError('n', { reason: 'held', waitedMs: 5.4, remainingMs: 7.2 }),
  new LockLostError('n', 42, 'expired'),
  new LockAbortedError('n', cause),
  new LockUnavailableError('it is down.', 'n', { cause, retryable: true, outcomeUnknown: false }),
  new LockNameError('bad name', 'n'),
  new LockConfigError('bad option'),
  new LockShutdownError('n'),
];
const classes = [
  ...[LockBusyError, LockLostError, LockAbortedError, LockUnavailableError],
  ...[LockNameError, LockConfigError, LockShutdownError],
];

describe('an error', () => {
  it('is an Error, a LockError and an instance of its own class only', () => {
    for (const [index, error] of all.entries()) {
      expect(error).toBeInstanceOf(Error);
      expect(error).toBeInstanceOf(LockError);
      expect(classes.map((each) => (error as unknown) instanceof each)).toEqual(classes.map((_, at) => at === index));
    }
    for (const other of [new Error('x'), new TypeError('x'), null, undefined, 'x', 5, {}, { code: 'LOCK_BUSY' }]) {
      for (const each of [LockError, ...classes]) expect((other as unknown) instanceof each).toBe(false);
    }
  });

  it('has a stable code and the name of its class', () => {
    expect(all.map(({ code }) => code)).toEqual([
      ...['LOCK_BUSY', 'LOCK_LOST', 'LOCK_ABORTED', 'LOCK_UNAVAILABLE'],
      ...['LOCK_NAME', 'LOCK_CONFIG', 'LOCK_SHUTDOWN'],
    ]);
    expect(all.map(({ name }) => name)).toEqual(classes.map(({ name }) => name));
  });

  it('has the name of its lock, and its cause if there is one', () => {
    expect(all.map(({ lockName }) => lockName)).toEqual(['n', 'n', 'n', 'n', 'n', undefined, 'n']);
    expect(all[2]!.cause).toBe(cause);
    expect(all[3]!.cause).toBe(cause);
    expect('cause' in all[0]!).toBe(false);
  });

  it('contains advice', () => {
    expect(all[0]!.message).toBe(
      'Lock "n" is held by another caller; waited 5 ms. Its holder\'s lease has 8 ms left. Raise "wait" to wait longer.',
    );
    expect(all[1]!.message).toContain('Stop what it guards');
    expect(new LockBusyError('n', { reason: 'crowded', waitedMs: 0, remainingMs: undefined }).message).toContain(
      'Raise "maxWaiting"',
    );
    expect(new LockBusyError('n', { reason: 'nested', waitedMs: 0, remainingMs: undefined }).message).toContain(
      `"nested" is 'refuse'. Use 'join'`,
    );
  });

  it('of many locks can be reported for one of them, otherwise unchanged', () => {
    const error = new LockUnavailableError('it is down.', undefined, { cause, retryable: true, outcomeUnknown: true });
    const told = error.forLock('mine');
    expect(told).toMatchObject({ lockName: 'mine', retryable: true, outcomeUnknown: true, cause });
    expect(told.message).toBe('Lock "mine" is unavailable: it is down.');
    expect(told.forLock('mine')).toBe(told);
  });

  it('reaches callers as the public class, whatever the class inside of the library', () => {
    const reply = new Promise(() => undefined);
    const details = { retryable: false, outcomeUnknown: false };
    for (const error of [
      new OverdueError('it is late.', reply),
      new WrongKindError('it is late.', undefined, details),
    ]) {
      const told = error.forLock('mine');
      expect(told).toMatchObject({ name: 'LockUnavailableError', lockName: 'mine' });
      expect(told.message).toBe('Lock "mine" is unavailable: it is late.');
      expect(told).not.toHaveProperty('reply');
    }
  });

  it('escapes characters that could forge a log line', () => {
    expect(new LockLostError('a\nb\u0007', 1, 'taken').message).toContain('"a\\u000ab\\u0007"');
  });

  it('and a section are recognized across the ES module and the CommonJS build in one process', () => {
    const script = fileURLToPath(new URL('children/both-builds.mjs', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      differentClasses: true,
      esmBusyIsCjsBusy: true,
      cjsBusyIsEsmBusy: true,
      esmBusyIsCjsBase: true,
      esmBusyIsCjsLost: false,
      plainIsCjsBase: false,
      sectionSeenAcross: true,
    });
  });
});
