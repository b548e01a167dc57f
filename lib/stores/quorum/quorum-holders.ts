import { LockUnavailableError } from '../../errors/index.js';
import type { HolderStore } from '../holder-store.js';

/** The records of processes on each of several nodes. */
export class QuorumHolders implements HolderStore {
  constructor(private readonly nodes: readonly HolderStore[]) {}

  /** Rejects if a node refuses it, or none can be reached. */
  async write(id: string, record: string, ttlMs: number): Promise<void> {
    const results = await Promise.allSettled(this.nodes.map((node) => node.write(id, record, ttlMs)));
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    const refusal = errors.find((error) => !(error instanceof LockUnavailableError && error.retryable));
    if (refusal !== undefined) throw refusal as Error;
    if (errors.length === this.nodes.length) throw errors[0] as Error;
  }

  /** The record of the first node that has one. */
  read(id: string): Promise<string | null> {
    const found = this.nodes.map(async (node) => {
      const record = await node.read(id);
      if (record === null) throw new Error('no record');
      return record;
    });
    return Promise.any(found).catch(() => null);
  }

  async remove(id: string): Promise<void> {
    await Promise.allSettled(this.nodes.map((node) => node.remove(id)));
  }
}
