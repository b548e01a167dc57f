import { now } from '../../time/instant.js';
import type {
  AcquireReply,
  AcquireRequest,
  LatchStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
} from '../lock-store.js';
import type { MemoryKindHost } from './memory-kind-host.js';

/** Latches in this process's memory. No request is sent twice, so their ids are not needed. */
export class MemoryLatches implements LatchStore {
  constructor(
    private readonly counts: Map<string, number>,
    private readonly host: MemoryKindHost,
  ) {}

  async trySetCount(name: string, count: number): Promise<boolean> {
    const key = await this.host.keyOf(name);
    if (this.counts.has(key)) return false;
    this.counts.set(key, count);
    return true;
  }

  async countDown(name: string): Promise<number> {
    const key = await this.host.keyOf(name);
    const count = Math.max(0, (this.counts.get(key) ?? 0) - 1);
    if (count > 0) this.counts.set(key, count);
    else if (this.counts.delete(key)) this.host.notify(channelOf(key));
    return count;
  }

  async count(name: string): Promise<number> {
    return this.counts.get(await this.host.keyOf(name)) ?? 0;
  }

  async acquire({ name }: AcquireRequest): Promise<AcquireReply> {
    const sentAt = now();
    const count = await this.count(name);
    return count === 0 ? { taken: true, token: 0, sentAt } : { taken: false, remainingMs: undefined };
  }

  /** Nothing is held. */
  renew(): Promise<RenewReply> {
    return Promise.resolve({ held: true, sentAt: now() });
  }

  release(): Promise<ReleaseReply> {
    return Promise.resolve({ held: true, listeners: 0 });
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return this.host.listen(name, channelOf, onNotification);
  }
}

function channelOf(key: string): string {
  return `latch ${key}`;
}
