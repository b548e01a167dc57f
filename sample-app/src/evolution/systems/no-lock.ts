import type { EvolutionLock } from './evolution-lock.js';

/** For comparison: everybody at once. */
export class NoLock implements EvolutionLock {
  withLock<T>(_name: string, work: () => Promise<T>): Promise<T> {
    return work();
  }
}
