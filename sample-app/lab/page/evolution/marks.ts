import type { CellCounts, EvolutionCell } from '../../evolution/evolution-table.js';
import { count, duration } from '../views/words.js';

export type Look = 'holds' | 'fails' | 'surprise' | 'waiting' | 'running' | 'none';

/** The appearance of a cell. An unexpected result has priority. */
export function lookOf({ state, verdict, asExpected }: EvolutionCell): Look {
  if (state === 'waiting' || state === 'running') return state;
  if (state === 'not-applicable' || state === 'not-possible') return 'none';
  if (state === 'failed' || asExpected === false) return 'surprise';
  return verdict ?? 'none';
}

/** The few words that stand in a cell. */
export function wordsOf({ state, mark, verdict }: EvolutionCell): string {
  switch (state) {
    case 'waiting':
      return 'not run';
    case 'running':
      return 'running';
    case 'failed':
      return 'not finished';
    case 'not-applicable':
      return 'does not apply';
    case 'not-possible':
      return 'not here';
    case 'done':
      return mark === '' ? (verdict ?? 'done') : mark;
  }
}

/** What was counted, as pairs of a name and a value. */
export function countsOf(counts: CellCounts): [string, string][] {
  return [
    ['Rebuilds', String(counts.rebuilds)],
    ['Inside at once, at most', count(counts.mostInside, 'caller')],
    ['Locks of others deleted', String(counts.foreignDeletes)],
    ['Writes that came too late', String(counts.staleWrites)],
    ['Taken forever', counts.deadlock ? 'yes' : 'no'],
    ['The next caller waited', counts.waitMs === null ? '–' : duration(counts.waitMs)],
    ['Commands to Redis', String(counts.commands)],
  ];
}
