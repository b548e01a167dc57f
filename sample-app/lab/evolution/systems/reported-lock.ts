import { guardChannel } from '../guard-channel.js';
import type { GuardMessage } from '../guard-channel.js';
import type { SystemName } from '../systems.js';
import type { EvolutionLock, Held } from './evolution-lock.js';

/** Publishes the waiters and the holders of a lock on `shop:guard`. */
export class ReportedLock implements EvolutionLock {
  constructor(
    private readonly system: SystemName,
    private readonly lock: EvolutionLock,
  ) {}

  async withLock<T>(name: string, work: (held: Held) => Promise<T>): Promise<T> {
    const { system } = this;
    const report = (message: GuardMessage): void => guardChannel.publish(message);
    const asked = performance.now();
    let since: number | undefined;
    report({ type: 'waiting', system, name });
    try {
      return await this.lock.withLock(name, (held) => {
        since = performance.now();
        report({ type: 'acquired', system, name, waitedMs: since - asked });
        return work(held);
      });
    } finally {
      const now = performance.now();
      if (since === undefined) report({ type: 'gave-up', system, name, waitedMs: now - asked });
      else report({ type: 'released', system, name, heldMs: now - since });
    }
  }

  async close(): Promise<void> {
    await this.lock.close?.();
  }
}
