import { randomUUID } from 'node:crypto';
import { LockUnavailableError } from '../errors/index.js';
import type { LockHolder } from '../lock-holder.js';
import type { HolderStore } from '../stores/holder-store.js';
import type { LockStore } from '../stores/lock-store.js';
import type { Reporter } from '../telemetry/reporter.js';
import { holderWarning } from '../telemetry/warnings.js';
import { monotonic } from '../time/clock.js';
import { Timer } from '../time/timer.js';
import { readRecord, thisHolder, writeRecord, type ServiceIdentity } from './holder-record.js';

/** How long the record of a process outlives it, and how often it is written again, in ms. */
const TTL_MS = 90_000;
const REFRESH_MS = 30_000;
/** After a failure, in ms. */
const RETRY_MS = 5_000;
/** How many processes are remembered, and for how long one without a record is not looked up again, in ms. */
const MAX_KNOWN = 1_000;
const UNKNOWN_MS = 10_000;

const OWNER = /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}):/;

interface Known {
  readonly holder: Promise<LockHolder | undefined>;
  until: number;
}

/**
 * Says which process an owner belongs to. This process is registered under the uuid with which its owners begin, in one key
 * that expires. Records of other processes are read when they are asked for, each once.
 */
export class HolderRegistry {
  /** The uuid with which the owners of this service begin. */
  readonly id: string;
  readonly self: LockHolder;
  private readonly known = new Map<string, Known>();
  private readonly timer = new Timer(() => {
    void this.register();
  }, false);
  private written = false;
  private warned = false;
  private closed = false;

  constructor(
    private readonly store: HolderStore,
    { ownerId = randomUUID() }: Pick<LockStore, 'ownerId'>,
    identity: ServiceIdentity,
    private readonly reporter: Reporter,
  ) {
    this.id = ownerId;
    this.self = thisHolder(identity);
  }

  /** Registers this process, from now on. Never rejects: locks work without it. */
  async register(): Promise<void> {
    let next = REFRESH_MS;
    try {
      await this.store.write(this.id, writeRecord(this.self), TTL_MS);
      this.written = true;
    } catch (error) {
      if (error instanceof LockUnavailableError && error.retryable) next = RETRY_MS;
      else this.warn(error);
    }
    if (!this.closed) this.timer.start(next);
  }

  /** The process of an owner; `undefined` if it is not known. Never rejects. */
  find(owner: string | undefined): Promise<LockHolder | undefined> {
    const id = OWNER.exec(owner ?? '')?.[1];
    if (id === undefined) return Promise.resolve(undefined);
    if (id === this.id) return Promise.resolve(this.self);
    const known = this.known.get(id);
    if (known !== undefined && known.until > monotonic()) return known.holder;
    const found: Known = { holder: this.read(id), until: Infinity };
    this.known.delete(id);
    this.known.set(id, found);
    if (this.known.size > MAX_KNOWN) this.known.delete(this.known.keys().next().value as string);
    void found.holder.then((holder) => {
      if (holder === undefined) found.until = monotonic() + UNKNOWN_MS;
    });
    return found.holder;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer.stop();
    if (this.written) await this.store.remove(this.id).catch(() => undefined);
  }

  private async read(id: string): Promise<LockHolder | undefined> {
    const record = await this.store.read(id).catch(() => null);
    return record === null ? undefined : readRecord(record);
  }

  private warn(error: unknown): void {
    if (this.warned || this.closed) return;
    this.warned = true;
    this.reporter.warn('holder', holderWarning(error));
  }
}
