import { LockUnavailableError } from 'nestjs-redis-lock';
import type {
  AcquireReply,
  LockStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
} from '../../lib/stores/lock-store.js';
import type { LockState } from '../../lib/stores/lock-state.js';
import { now } from '../../lib/time/instant.js';

/** A store that answers as it is told. */
export class ScriptedStore implements LockStore {
  /** Whether somebody else has the lock. */
  busy = true;
  /** How many requests for it there were. */
  tries = 0;
  /** How many others listen. */
  others = 0;
  /** How many notices arrived; `undefined`: there is no subscription yet. */
  counts: number | undefined;
  countable = true;
  /** Whether requests are left without an answer. */
  silent = false;
  /** Whether subscriptions are refused. */
  refusesSubscribers = false;
  private readonly listeners = new Set<() => void>();

  /** How many listen here. */
  get listening(): number {
    return this.listeners.size;
  }

  /** A notice arrives. */
  hears(): void {
    if (this.counts === undefined) return;
    this.counts += 1;
    for (const listener of [...this.listeners]) listener();
  }

  heard(): number | undefined {
    return this.countable ? this.counts : undefined;
  }

  acquire(): Promise<AcquireReply> {
    this.tries += 1;
    if (this.silent) return new Promise(() => undefined);
    return Promise.resolve(
      this.busy ? { taken: false, remainingMs: 30_000 } : { taken: true, token: this.tries, sentAt: now() },
    );
  }

  release(): Promise<ReleaseReply> {
    return Promise.resolve({ held: true, listeners: this.others });
  }

  renew(): Promise<RenewReply> {
    return Promise.resolve({ held: true, sentAt: now() });
  }

  subscribe(_name: string, onNotification: () => void): NotificationSubscription {
    const active = (): boolean => this.counts !== undefined;
    this.listeners.add(onNotification);
    return {
      get active() {
        return active();
      },
      activate: async () => {
        if (this.refusesSubscribers) throw new Error('no subscriptions');
        this.counts ??= 0;
      },
      close: () => {
        this.listeners.delete(onNotification);
      },
    };
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  inspect(name: string): Promise<LockState> {
    return Promise.reject(new LockUnavailableError('not told', name, { retryable: false, outcomeUnknown: false }));
  }

  forceRelease(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
