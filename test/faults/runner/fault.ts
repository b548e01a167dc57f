import type { Dice } from './dice.js';

/** Something bad that may happen. */
export interface Fault {
  /** As in the table: short and always the same. */
  readonly what: string;
  /** How often it comes, compared with others. */
  readonly weight: number;
  /** Whether this setup may lose locks by it: then two holders are counted, and no violation. */
  readonly losesState: boolean;
  /** Makes it happen, lets it last, and undoes it: resolves when it can no longer have an effect. */
  readonly happen: (dice: Dice) => Promise<void>;
}
