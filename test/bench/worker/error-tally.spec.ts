import { describe, expect, it } from '@jest/globals';
import { ErrorTally } from './error-tally.js';

describe('ErrorTally', () => {
  it('says each kind of error once, with how often it came', () => {
    const tally = new ErrorTally();
    for (const name of ['bench:a:1:0', 'bench:a:1:7']) tally.add(new TypeError(`cannot lock "${name}"\nand more`));
    tally.add('text');
    expect(tally.take()).toEqual(['TypeError: cannot lock "<name>" (2×)', 'text (1×)']);
  });

  it('begins anew when it was asked', () => {
    const tally = new ErrorTally();
    tally.add(new Error('once'));
    tally.take();
    expect(tally.take()).toEqual([]);
  });
});
