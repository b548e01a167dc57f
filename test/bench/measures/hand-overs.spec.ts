import { describe, expect, it } from '@jest/globals';
import { handOvers } from './hand-overs.js';
import { section } from './section.testing.js';

describe('hand-overs', () => {
  it('tell those to another process from those within one', () => {
    const sections = [section(0, 0, 1), section(0, 1.5, 2), section(1, 5, 6), section(0, 8, 9)];
    expect(handOvers(sections)).toEqual({ within: [0.5], between: [3, 2] });
  });

  it('do not count while nobody waited', () => {
    expect(handOvers([section(0, 0, 1), section(1, 5, 6, { asked: 4 })])).toEqual({ within: [], between: [] });
  });

  it('are taken lock by lock', () => {
    const sections = [
      section(0, 0, 1, { name: 'a' }),
      section(1, 2, 3, { name: 'b' }),
      section(1, 4, 5, { name: 'a' }),
    ];
    expect(handOvers(sections)).toEqual({ within: [], between: [3] });
  });
});
