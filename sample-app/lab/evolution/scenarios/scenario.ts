import type { CellCounts } from '../evolution-table.js';
import type { Stage } from './stage/stage.js';

/** A scenario that exposes one flaw. Events, and not timing, decide what happens next. */
export interface Scenario {
  /** Whether it needs servers of its own. */
  readonly ownServers?: boolean;
  /** Runs the scenario to its end. Results that the witness does not record are recorded on the stage. */
  play(stage: Stage): Promise<void>;
  /** The faults of a system in this scenario, in a few words, the worst first; empty if the lock held. */
  faults(counts: CellCounts): string[];
}

/** On a busy machine, the scenario missed its moment. It is run again. */
export class MissedMoment extends Error {
  override readonly name = 'MissedMoment';
}

export function notAlone({ mostInside }: CellCounts): string[] {
  return mostInside > 1 ? [`${String(mostInside)} inside`] : [];
}
