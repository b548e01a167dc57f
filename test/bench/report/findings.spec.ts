import { describe, expect, it } from '@jest/globals';
import { peersAhead } from './ahead.js';
import { contestant, findingsOf, floor, measurement, own } from './findings.testing.js';

const speed = 'sectionsPerSecond';
const slow = contestant('slow');
const fast = contestant('fast');
const lone = { case: 'lone', metric: speed };

describe('the findings of a run', () => {
  it('find a variant by its properties', () => {
    const few = measurement('names', own, speed, [1], { at: { callers: 8, names: 8 } });
    const many = measurement('names', own, speed, [2], { at: { callers: 64, names: 64 } });
    const findings = findingsOf([own], few, many);
    expect(findings.own({ case: 'names', metric: speed, at: { callers: 64 } })).toBe(many);
    expect(findings.own({ case: 'names', metric: speed, at: { callers: 9 } })).toBeUndefined();
    expect(findings.variants('names', speed)).toEqual([few.at, many.at]);
  });

  it('rank by the median, the best first', () => {
    const findings = findingsOf(
      [slow, own, fast],
      measurement('lone', slow, speed, [1, 9, 1]),
      measurement('lone', fast, speed, [5]),
      measurement('lone', own, speed, [3]),
    );
    const ids = (better: 'more' | 'less'): string[] => findings.ranking(lone, better).map((each) => each.contestant.id);
    expect(ids('more')).toEqual(['fast', 'own', 'slow']);
    expect(ids('less')).toEqual(['slow', 'own', 'fast']);
    expect(findings.bestPeer(lone, 'more')?.contestant).toBe(fast);
  });

  it('exclude a peer that let two callers in at once, in all variants of the case', () => {
    const findings = findingsOf(
      [own, fast, slow],
      measurement('lone', fast, speed, [9]),
      measurement('lone', fast, 'medianMs', [1], { at: { callers: 2 }, overlaps: 1 }),
      measurement('lone', slow, speed, [1]),
      measurement('hot', fast, speed, [9]),
    );
    expect(findings.bestPeer(lone, 'more')?.contestant).toBe(slow);
    expect(findings.bestPeer({ ...lone, case: 'hot' }, 'more')?.contestant).toBe(fast);
  });
});

describe('peers ahead of this library', () => {
  it('are named with their lead, the largest first', () => {
    const findings = findingsOf(
      [own, fast, slow, floor],
      measurement('lone', own, speed, [10]),
      measurement('lone', fast, speed, [15]),
      measurement('lone', slow, speed, [5]),
      measurement('lone', floor, speed, [99]),
      measurement('hand-over', own, 'handOverMs', [4]),
      measurement('hand-over', slow, 'handOverMs', [1]),
    );
    expect(peersAhead(findings)).toMatchObject([
      { case: 'hand-over', peer: slow, times: 4, meets: false },
      { case: 'lone', peer: fast, times: 1.5 },
    ]);
  });

  it('are listed even if the ranges overlap, with the callers that they did not serve', () => {
    const findings = findingsOf(
      [own, fast],
      measurement('hot', own, speed, [10, 20, 12]),
      measurement('hot', fast, speed, [15, 11, 13]),
      measurement('hot', fast, 'unservedCallers', [7]),
    );
    expect(peersAhead(findings)).toMatchObject([{ peer: fast, meets: true, unserved: 7 }]);
  });

  it('do not include those that let two callers in at once', () => {
    const findings = findingsOf(
      [own, fast],
      measurement('lone', own, speed, [10]),
      measurement('lone', fast, speed, [15], { overlaps: 1 }),
    );
    expect(peersAhead(findings)).toEqual([]);
  });
});
