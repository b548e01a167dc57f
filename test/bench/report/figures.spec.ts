import { describe, expect, it } from '@jest/globals';
import { figure, variantText, withSpread, words } from './figures.js';

describe('figures', () => {
  it('have three digits that count', () => {
    expect([12_345.6, 999.4, 12.34, 1.234, 0.1, 0.001234, 0, 2].map(figure)).toEqual([
      '12,346',
      '999',
      '12.3',
      '1.23',
      '0.1',
      '0.0012',
      '0',
      '2',
    ]);
  });

  it('show a spread only where there is one', () => {
    expect(withSpread({ median: 2, low: 1, high: 3 })).toBe('2 (1 to 3)');
    expect(withSpread({ median: 2, low: 2, high: 2 })).toBe('2');
  });

  it('tell a value that is none', () => {
    expect(figure(Number.NaN)).toBe('–');
  });

  it('name what was varied', () => {
    expect(variantText({ processes: 1, callers: 10_000 })).toBe('1 process, 10,000 callers');
    expect(words('cpuMicrosecondsPerSection')).toBe('cpu microseconds per section');
  });
});
