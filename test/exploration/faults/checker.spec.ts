import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judge } from './checker.js';
import type { KindName } from './kinds.js';
import { CORRUPTIONS } from './testing/corruptions.js';
import { historyWithStateLost, rightHistory, rightPermits } from './testing/right-history.js';

/** Callers in these histories wait for up to 5.5 s before they take a free lock. */
const EXACT = { waitMs: 1, signalMs: 1, freeMs: 6_000, refusals: false };

const ofKind = (kind: KindName) => CORRUPTIONS.filter((each) => each.kind === undefined || each.kind === kind);

describe('the checker', () => {
  it.each([
    ['of locks', rightHistory],
    ['of semaphores', rightPermits],
  ])('finds no violation in correct histories %s', (_of, histories) => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(judge(history, EXACT).violations).toEqual([]);
      }),
    );
  });

  it('counts double holders after the loss of server data that the run permits', () => {
    fc.assert(
      fc.property(historyWithStateLost, (history) => {
        const lost = history.filter(({ type }) => type === 'fault').length;
        expect(judge(history, EXACT)).toMatchObject({ violations: [], counts: { doubleHolders: lost, faults: lost } });
      }),
    );
  });

  it('reports each of them as a violation if the run permits no loss', () => {
    fc.assert(
      fc.property(historyWithStateLost, (history) => {
        const strict = history.map((event) =>
          event.type === 'begin' ? { ...event, exclusion: 'always' as const } : event,
        );
        const { violations, counts } = judge(strict, EXACT);
        expect(violations.map(({ property }) => property)).toEqual(
          history.filter(({ type }) => type === 'fault').map(() => 'exclusion'),
        );
        expect(counts.doubleHolders).toBe(0);
      }),
    );
  });

  it.each(ofKind('semaphore'))('detects ($property) of semaphores when $what', ({ property, spoil }) => {
    fc.assert(
      fc.property(rightPermits, fc.nat(), (history, dice) => {
        const found = judge(spoil(history, dice), EXACT).violations.map((violation) => violation.property);
        expect(found).toContain(property);
      }),
    );
  });

  it.each(ofKind('exclusive'))('detects ($property) when $what', ({ property, spoil }) => {
    fc.assert(
      fc.property(rightHistory, fc.nat(), (history, dice) => {
        const found = judge(spoil(history, dice), EXACT).violations.map((violation) => violation.property);
        expect(found).toContain(property);
      }),
    );
  });
});
