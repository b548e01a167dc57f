import { nothingTold } from './evolution-lock.js';
import type { EvolutionLock, Held } from './evolution-lock.js';

/** For comparison: all callers at once. */
export class NoLock implements EvolutionLock {
  withLock<T>(_name: string, work: (held: Held) => Promise<T>): Promise<T> {
    return work(nothingTold);
  }
}
