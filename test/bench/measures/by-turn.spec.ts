import { describe, expect, it } from '@jest/globals';
import { againstSameTurn, type InTurn } from './by-turn.js';

const rounds = (...values: number[]): InTurn[] => values.map((value, turn) => ({ turn, value }));
const ratio = (value: number, best: number): number => value / best;

describe('againstSameTurn', () => {
  it('compares with the round of the same turn, not with all rounds', () => {
    expect(againstSameTurn(rounds(10, 30), [rounds(5, 60)], ratio)).toEqual([2, 0.5]);
  });

  it('takes the best baseline of each turn', () => {
    expect(againstSameTurn(rounds(12, 12), [rounds(3, 6), rounds(4, 2)], ratio)).toEqual([3, 2]);
  });

  it('ignores a turn without a baseline', () => {
    const late = [{ turn: 1, value: 4 }];
    expect(againstSameTurn(rounds(8, 8), [late], ratio)).toEqual([2]);
    expect(againstSameTurn(late, [rounds(8, 8)], ratio)).toEqual([0.5]);
  });

  it('has no result without baselines', () => {
    expect(againstSameTurn(rounds(1, 2), [], ratio)).toEqual([]);
  });
});
