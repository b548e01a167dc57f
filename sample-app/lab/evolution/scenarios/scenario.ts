import type { CellCounts } from '../evolution-table.js';
import type { Stage } from './stage/stage.js';

/** Brings one flaw out. What happens next is decided by events and never by luck. */
export interface Scenario {
  /** Whether it needs servers of its own. */
  readonly ownServers?: boolean;
  /** Plays it to its end. What the books of the witness do not hold is noted on the stage. */
  play(stage: Stage): Promise<void>;
  /** What a system did wrong here, in a few words, the worst first; empty: the lock held. */
  faults(counts: CellCounts): string[];
}

/** The scenario came too late for the moment it is about, on a busy machine. It is played again. */
export class MissedMoment extends Error {
  override readonly name = 'MissedMoment';
}

export function notAlone({ mostInside }: CellCounts): string[] {
  return mostInside > 1 ? [`${String(mostInside)} inside`] : [];
}
