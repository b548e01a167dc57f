/** One way to let only one at a time do something, however good or bad. */
export interface EvolutionLock {
  /** Runs `work` under the lock `name`, once it is this caller's turn. */
  withLock<T>(name: string, work: () => Promise<T>): Promise<T>;
}
