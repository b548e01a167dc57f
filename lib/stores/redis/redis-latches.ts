import { LockNameError, type LockConfigError } from '../../errors/index.js';
import { quoteName } from '../../errors/quote-name.js';
import { now } from '../../time/instant.js';
import type {
  AcquireReply,
  AcquireRequest,
  LatchStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
} from '../lock-store.js';
import type { WrongKindError } from '../wrong-kind-error.js';
import type { RedisArgument } from './connection/redis-client.js';
import { kindConflict, type FoundKind } from './kind-conflict.js';
import { LATCH_SCRIPT, SHARDED_LATCH_SCRIPT } from './lua/index.js';
import type { Script } from './lua/script.js';
import type { NotificationSubscriber } from './notifications/notification-subscriber.js';
import type { KeyLayout } from './scripts/key-layout.js';

/** What latches need of their store. */
export interface LatchConnections {
  readonly layout: KeyLayout;
  readonly notifications: NotificationSubscriber;
  /** Whether notifications use sharded channels if the server has them. */
  readonly sharded: boolean;
  /** How long the key of this library is stored after its last use, in ms. */
  readonly ttl: number;
  readonly run: (script: Script, name: string, keys: string[], args: RedisArgument[]) => Promise<unknown>;
  readonly kindOf: (name: string) => Promise<FoundKind>;
}

/** The latches on one Redis or a cluster. */
export class RedisLatches implements LatchStore {
  constructor(private readonly connections: LatchConnections) {}

  async trySetCount(name: string, count: number, id: string): Promise<boolean> {
    return (await this.call(name, 'set', id, count)) === 1;
  }

  countDown(name: string, id: string): Promise<number> {
    return this.call(name, 'down', id);
  }

  count(name: string): Promise<number> {
    return this.call(name, 'count');
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
    return this.connections.notifications.listen(this.connections.layout.latchChannel(name), onNotification);
  }

  async explain(name: string, error: WrongKindError): Promise<LockConfigError | undefined> {
    const found = await this.connections.kindOf(name).catch((): FoundKind => 'other');
    return kindConflict('latch', found, name, error);
  }

  private async call(name: string, op: string, ...more: RedisArgument[]): Promise<number> {
    const { layout, sharded, ttl, run } = this.connections;
    if (sharded && layout.lock(name).includes('{')) {
      throw new LockNameError(
        `In a cluster, the name of a latch cannot contain "{", as ${quoteName(name)} does: Redisson's channel of it would be in ` +
          `another hash slot.`,
      );
    }
    const [counter, side] = layout.latch(name);
    const [, ...ofSemaphore] = layout.semaphore(name);
    const args = [op, side, ttl, ...ofSemaphore, layout.latchChannel(name), ...more];
    return Number(await run(sharded ? SHARDED_LATCH_SCRIPT : LATCH_SCRIPT, name, [counter], args));
  }
}
