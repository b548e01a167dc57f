import { describe, expect, it } from '@jest/globals';
import { LockConfigError, LockNameError, type LockMode } from 'nestjs-redis-lock';
import { checkLockName } from '../../lib/naming/lock-name.js';
import { resolveLocks } from '../../lib/options/named-locks.js';

describe('the name of a lock', () => {
  it.each([
    'a',
    'x'.repeat(512),
    'ü'.repeat(256),
    '€'.repeat(170) + 'ab',
    '😀'.repeat(128),
    ' ',
    '\u0000',
    'a{b}c',
    '}',
    '{',
  ])('may be %j', (name) => {
    expect(() => checkLockName(name)).not.toThrow();
  });

  it.each([
    ['', 'must not be empty'],
    ['x'.repeat(513), 'has 513'],
    ['ü'.repeat(257), 'has 514'],
    ['😀'.repeat(128) + 'x', 'has 513'],
    ['\ud800', 'lone surrogate'],
    ['a\udfffb', 'lone surrogate'],
    ['\udc00\ud800', 'lone surrogate'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, 'a number'],
    [{}, 'an object'],
    [Symbol('s'), 'a symbol'],
    [() => 'x', 'a function'],
  ])('may not be %p', (name, why) => {
    expect(() => checkLockName(name)).toThrow(LockNameError);
    expect(() => checkLockName(name)).toThrow(why);
  });

  it('is shown with its control characters escaped, so that it cannot forge a line of a log', () => {
    expect(() => checkLockName('a\nERROR all is lost\u001b[31m\u2028\ud800')).toThrow(
      '"a\\u000aERROR all is lost\\u001b[31m\\u2028',
    );
  });

  it('appears once in a sorted list of several', () => {
    const namesOf = (locks: readonly unknown[]) => resolveLocks(locks, modeOf).map(({ name }) => name);
    expect(namesOf(['b', 'a', 'b', 'B', 'ä', 'a'])).toEqual(['B', 'a', 'b', 'ä']);
    expect(namesOf(['a', 'ä', 'B', 'b'])).toEqual(namesOf(['b', 'B', 'ä', 'a']));
    expect(() => namesOf([])).toThrow('At least one');
    expect(() => namesOf(['a', 5])).toThrow(LockNameError);
  });

  it('may have a mode of its own in such a list, but not two', () => {
    expect(resolveLocks(['b', { name: 'a', mode: 'write' }, { name: 'b' }], modeOf)).toEqual([
      { name: 'a', mode: 'write' },
      { name: 'b', mode: 'read' },
    ]);
    expect(() => resolveLocks(['a', { name: 'a', mode: 'write' }], modeOf)).toThrow('twice, with different modes');
    expect(() => resolveLocks([{ name: 'a', kind: 'write' }], modeOf)).toThrow(LockConfigError);
    expect(() => resolveLocks([{ mode: 'write' }], modeOf)).toThrow(LockNameError);
  });
});

function modeOf(mode: LockMode = 'read'): Exclude<LockMode, 'exclusive'> | undefined {
  return mode === 'exclusive' ? undefined : mode;
}
