import type { Dice } from './dice.js';

/** Something bad that may happen. */
export interface Fault {
  /** As in the table: short and always the same. */
  readonly what: string;
  /** How often it comes, compared with others. */
  readonly weight: number;
  /** Whether this setup may lose locks by it: then two holders are counted, and no violation. */
  readonly losesState: boolean;
  /** Missing: free locks may stay free meanwhile, and the fault does not happen in the calm part of a round. */
  readonly calm?: Calm;
  /** Makes it happen, lets it last, and undoes it: resolves when it can no longer have an effect. */
  readonly happen: (dice: Dice) => Promise<void>;
}

/** What a fault costs callers that want a free lock, in a setup that goes on granting locks. */
export interface Calm {
  /** How much longer than usual a free lock may stay free meanwhile, in ms. */
  readonly graceMs: number;
  /** When it is undone, it is remembered for this long: until then another fault would meet a setup that has no reserve. */
  readonly settleMs: number;
}

/** These faults in a setup that goes on granting locks meanwhile. */
export function served(faults: readonly Fault[], graceMs: number, settleMs = 0): Fault[] {
  return faults.map((fault) => ({ ...fault, calm: { graceMs, settleMs } }));
}
