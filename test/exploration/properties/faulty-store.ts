import { LockUnavailableError } from 'nestjs-redis-lock';
import type {
  AcquireReply,
  LockStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
} from '../../../lib/stores/lock-store.js';
import type { LockState } from '../../../lib/stores/lock-state.js';

/** What happens to the next request. `lost-reply`: carried out, not answered. `lost-request`: neither. */
export type Fault = 'lost-reply' | 'lost-request';

/** A real store behind a network that loses what it is told to lose. */
export class FaultyStore implements LockStore {
  private readonly faults: Fault[] = [];

  constructor(private readonly store: LockStore) {}

  /** The next request suffers `fault`. */
  failNext(fault: Fault): void {
    this.faults.push(fault);
  }

  heal(): void {
    this.faults.length = 0;
  }

  connect(timeoutMs: number): Promise<void> {
    return this.store.connect(timeoutMs);
  }

  acquire(...request: Parameters<LockStore['acquire']>): Promise<AcquireReply> {
    return this.carry(() => this.store.acquire(...request));
  }

  renew(...request: Parameters<LockStore['renew']>): Promise<RenewReply> {
    return this.carry(() => this.store.renew(...request));
  }

  release(name: string, owner: string, keepMs: number): Promise<ReleaseReply> {
    return this.carry(() => this.store.release(name, owner, keepMs));
  }

  inspect(name: string): Promise<LockState> {
    return this.store.inspect(name);
  }

  forceRelease(name: string): Promise<boolean> {
    return this.store.forceRelease(name);
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return this.store.subscribe(name, onNotification);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async carry<Reply>(send: () => Promise<Reply>): Promise<Reply> {
    const fault = this.faults.shift();
    if (fault === undefined) return send();
    if (fault === 'lost-reply') await send();
    throw new LockUnavailableError('the network lost it.', undefined, { retryable: true, outcomeUnknown: true });
  }
}
