import type { FiringRecord, FiringRequest, FiringState, FiringStore } from '../firing-store.js';
import { wall } from '../../time/clock.js';

type StoredFiring = Omit<FiringRecord, 'ageMs'>;

/** The firings of jobs in this process's memory, by the same rules as on Redis. */
export class MemoryFirings implements FiringStore {
  /** @param keyOf yields, like a request to a server, and returns the key of a name */
  constructor(
    private readonly records: Map<string, StoredFiring>,
    private readonly keyOf: (name: string) => Promise<string>,
  ) {}

  async begin(name: string, request: FiringRequest): Promise<number | null> {
    const { run, window, firing, takeOver, retry, token, where } = request;
    const key = await this.keyOf(name);
    const last = this.records.get(key);
    const now = wall();
    if (last?.run === run) return last.firedAt;
    if (last !== undefined && firing !== undefined && firing !== last.firedAt) return null;
    const same = last !== undefined && (firing !== undefined || Math.abs(now - last.firedAt) < window);
    const again = last?.state === 'running' ? takeOver : last?.state === 'failed' && last.attempt <= retry;
    if (same && !again) return null;
    const firedAt = same ? last.firedAt : now;
    const attempt = same ? last.attempt + 1 : 1;
    const begun = { run, firedAt, startedAt: now, endedAt: undefined, attempt, token, where };
    this.records.set(key, { ...begun, state: 'running' });
    return firedAt;
  }

  async end(name: string, run: string, state: FiringState): Promise<void> {
    const key = await this.keyOf(name);
    const last = this.records.get(key);
    if (last?.run === run) this.records.set(key, { ...last, state, endedAt: wall() });
  }

  async read(name: string): Promise<FiringRecord | null> {
    const last = this.records.get(await this.keyOf(name));
    return last === undefined ? null : { ...last, ageMs: wall() - last.firedAt };
  }
}
