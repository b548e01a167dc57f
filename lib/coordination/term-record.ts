import { LockUnavailableError } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import type { Lease } from '../leases/lease.js';
import type { FiringRecord, FiringStore } from '../stores/firing-store.js';
import { sleep } from '../time/timer.js';
import { WHERE } from './where.js';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;
/** A record is kept for 30 days after it was last written. */
const REPEAT_MS = 86_400_000;

/** Who leads. */
export interface RecordedTerm {
  readonly token: FencingToken;
  readonly where: string;
  readonly since: Date;
}

/**
 * Records who leads, and since when, in the same place as the last run of a job. It is only for information: the lock
 * decides who leads. A process that was paused may overwrite the record of its successor, so a record counts only for
 * the owner that has the lock now.
 */
export class TermRecord {
  constructor(
    private readonly firings: FiringStore,
    private readonly name: string,
  ) {}

  /** Records a term, and keeps the record until `over` aborts. Never rejects. */
  async keep({ owner, token }: Lease, over: AbortSignal): Promise<void> {
    // One owner may have several terms, if other code of this process takes the same lock.
    const run = `${owner}/${String(token)}`;
    // Without a window, the record never counts as that of the same firing.
    const request = { run, window: 0, firing: undefined, takeOver: false, retry: 0, token, where: WHERE };
    for (let pauseMs = FIRST_PAUSE_MS; !over.aborted; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        await this.firings.begin(this.name, request);
        await sleep(REPEAT_MS, over);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        if (!(error instanceof LockUnavailableError) || !error.retryable) return;
        await sleep(pauseMs, over);
      }
    }
  }

  /** The term of the owner that has the lock now; `undefined` if it is not recorded, or cannot be read. */
  async of(owner: string): Promise<RecordedTerm | undefined> {
    let record: FiringRecord | null;
    try {
      record = await this.firings.read(this.name);
    } catch (error) {
      // A user without the permission for records.
      if (error instanceof LockUnavailableError && !error.retryable) return undefined;
      throw error;
    }
    if (record?.run !== `${owner}/${String(record?.token)}`) return undefined;
    const { token, where, startedAt } = record;
    return { token, where, since: new Date(startedAt) };
  }
}
