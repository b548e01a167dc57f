import { describe, expect, it } from '@jest/globals';
import { handOvers } from './hand-overs.js';
import { section } from './section.testing.js';

describe('hand-overs', () => {
  it('are counted separately between processes and within one', () => {
    const sections = [section(0, 0, 1), section(0, 1.5, 2), section(1, 5, 6), section(0, 8, 9)];
    expect(handOvers(sections)).toEqual({ within: [0.5], between: [3, 2] });
  });

  it('are not counted without a waiter', () => {
    expect(handOvers([section(0, 0, 1), section(1, 5, 6, { asked: 4 })])).toEqual({ within: [], between: [] });
  });

  it('are counted for each lock', () => {
    const sections = [
      section(0, 0, 1, { name: 'a' }),
      section(1, 2, 3, { name: 'b' }),
      section(1, 4, 5, { name: 'a' }),
    ];
    expect(handOvers(sections)).toEqual({ within: [], between: [3] });
  });
});
