import { monotonic } from '../../time/clock.js';
import type { HolderStore } from '../holder-store.js';

/** @internal A record, and until when it is kept, on the monotonic clock. */
export interface HolderEntry {
  readonly record: string;
  readonly until: number;
}

/** The records of services in this process's memory. */
export class MemoryHolders implements HolderStore {
  /** @param keyOf yields, like a request to a server, and returns the key of an id */
  constructor(
    private readonly entries: Map<string, HolderEntry>,
    private readonly keyOf: (id: string) => Promise<string>,
  ) {}

  async write(id: string, record: string, ttlMs: number): Promise<void> {
    this.entries.set(await this.keyOf(id), { record, until: monotonic() + ttlMs });
  }

  async read(id: string): Promise<string | null> {
    const entry = this.entries.get(await this.keyOf(id));
    return entry !== undefined && entry.until > monotonic() ? entry.record : null;
  }

  async remove(id: string): Promise<void> {
    this.entries.delete(await this.keyOf(id));
  }
}
