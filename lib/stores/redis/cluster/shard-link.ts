import { LockUnavailableError } from '../../../errors/index.js';
import { monotonic } from '../../../time/clock.js';
import { Timer } from '../../../time/timer.js';
import { confirmed } from '../notifications/confirmed.js';
import type { Heartbeat } from '../connection/heartbeat.js';
import type { NotificationEvents, NotificationLink } from '../notifications/notification-link.js';
import type { RedisClient } from '../connection/redis-client.js';
import { unanswered } from '../connection/server-error.js';
import type { ClusterMap } from './cluster-map.js';
import { hashSlot } from './hash-slot.js';
import { replyIn, Shard } from './shard.js';

/**
 * How often the slots are refreshed while there are listeners, in ms: the connection to a node that is stopped or cut
 * off stays open and silent, even after another node has replaced it.
 */
const LOOK_EVERY_MS = 5_000;

/**
 * Notifications in a cluster. A sharded channel exists on the master of its hash slot, so there is a connection to each
 * master that is needed. A node without sharded channels publishes to ordinary channels, and so gets ordinary
 * subscriptions. This is decided for each node, so that services agree while a cluster is upgraded node by node. When a
 * node is lost, or a slot leaves it, all listeners of the affected channels are notified; those that still wait
 * subscribe again on the new node of the slot.
 */
export class ShardLink implements NotificationLink {
  private readonly shards = new Map<string, Shard>();
  private events: NotificationEvents | null = null;
  private closed = false;
  private readonly timer = new Timer(() => {
    this.look();
  }, false);
  private readonly unwatch: () => void;

  constructor(
    private readonly map: ClusterMap,
    private readonly open: (address: string) => RedisClient | undefined,
    private readonly timeoutMs: number,
    private readonly heartbeat: Heartbeat,
  ) {
    this.unwatch = map.watch(() => {
      this.onRefreshed();
    });
  }

  start(events: NotificationEvents): void {
    this.events = events;
  }

  async subscribe(channel: string): Promise<void> {
    const end = monotonic() + this.timeoutMs;
    const left = (): number => Math.max(1, Math.ceil(end - monotonic()));
    const tried = new Set<string>();
    for (;;) {
      const address = this.choose(channel, tried);
      const shard = address === undefined ? undefined : this.shardAt(address);
      if (address === undefined || shard === undefined) throw nowhere();
      tried.add(address);
      try {
        await confirmed(shard.ready, left());
        shard.asked.add(channel);
        this.heartbeat.add(shard.pulse);
        await shard.listen(channel, left);
        if (this.shards.get(address) !== shard) throw unanswered(new Error('connection closed'));
        shard.pulse.heard();
        shard.channels.add(channel);
        this.lookNowAndThen();
        return;
      } catch (error) {
        // Only a moved slot is a reason to try another node. The refresh finds the new one.
        void this.map.refresh();
        if (isMoved(error)) shard.asked.delete(channel);
        if (!isMoved(error) || monotonic() >= end) throw error;
        await within(this.map.refresh(), left());
      }
    }
  }

  unsubscribe(channel: string): void {
    for (const shard of this.shards.values()) {
      shard.channels.delete(channel);
      shard.leave(channel);
    }
  }

  /** Each connection is closed separately when its node is lost. */
  reconnect(): void {
    return;
  }

  close(): void {
    this.closed = true;
    this.unwatch();
    this.timer.stop();
    for (const shard of this.shards.values()) this.forget(shard);
  }

  /** The master of the channel's slot if it is known, else any master that was not tried yet. */
  private choose(channel: string, tried: ReadonlySet<string>): string | undefined {
    const known = this.map.masterOf(hashSlot(channel));
    if (known !== undefined && !tried.has(known)) return known;
    return this.map.masters().find((address) => !tried.has(address));
  }

  private shardAt(address: string): Shard | undefined {
    const known = this.shards.get(address);
    if (known !== undefined || this.closed) return known;
    this.dropUnused();
    const client = this.open(address);
    if (client === undefined) return undefined;
    const shard = new Shard(address, client);
    this.shards.set(address, shard);
    const onMessage = (channel: unknown): void => {
      shard.pulse.heard();
      this.events?.onMessage(String(channel));
    };
    const onLost = (): void => {
      this.forget(shard);
      void this.map.refresh();
      this.tell(shard, [...shard.channels]);
    };
    client.on('message', onMessage);
    client.on('smessage', onMessage);
    client.on('close', onLost);
    // The server ends a subscription when the slot of its channel leaves it. ioredis 6 then emits "moved", without the
    // channel; earlier versions treat the message as a reply without a request.
    client.on('moved', () => {
      this.giveUp(shard, [...shard.channels]);
    });
    client.on('error', (error) => {
      if (error instanceof Error && error.message.startsWith('Command queue state error')) client.disconnect();
    });
    return shard;
  }

  /** Closes connections without channels to nodes that are no longer masters. */
  private dropUnused(): void {
    const masters = new Set(this.map.masters());
    for (const shard of this.shards.values()) {
      if (shard.channels.size === 0 && !masters.has(shard.address)) this.forget(shard);
    }
  }

  private lookNowAndThen(): void {
    if (!this.timer.running && !this.closed) this.timer.start(LOOK_EVERY_MS);
  }

  private look(): void {
    if (![...this.shards.values()].some(({ channels }) => channels.size > 0)) return;
    void this.map.refresh();
    this.lookNowAndThen();
  }

  /** Moves channels whose slots are on another node now, and closes unused connections. */
  private onRefreshed(): void {
    const masters = new Set(this.map.masters());
    for (const shard of [...this.shards.values()]) {
      const moved = [...shard.channels].filter((channel) => this.isElsewhere(channel, shard));
      if (moved.length > 0) this.giveUp(shard, moved);
      if (shard.channels.size === 0 && !masters.has(shard.address)) this.forget(shard);
    }
  }

  private isElsewhere(channel: string, { address }: Shard): boolean {
    const master = this.map.masterOf(hashSlot(channel));
    return master !== undefined && master !== address;
  }

  /** Unsubscribes as well, since the server may still serve some of these channels. */
  private giveUp(shard: Shard, channels: readonly string[]): void {
    for (const channel of channels) shard.leave(channel);
    this.tell(shard, channels);
  }

  private tell(shard: Shard, lost: readonly string[]): void {
    for (const channel of lost) {
      shard.channels.delete(channel);
      shard.asked.delete(channel);
    }
    this.events?.onLost(lost);
    for (const channel of lost) this.events?.onMessage(channel);
  }

  private forget(shard: Shard): void {
    if (this.shards.get(shard.address) === shard) this.shards.delete(shard.address);
    this.heartbeat.remove(shard.pulse);
    shard.client.disconnect();
  }
}

function isMoved(error: unknown): boolean {
  return replyIn(error).startsWith('MOVED ');
}

function nowhere(): LockUnavailableError {
  const what = 'no node of the cluster accepts the subscription now.';
  return new LockUnavailableError(what, undefined, { retryable: true, outcomeUnknown: false });
}

async function within<T>(asked: Promise<T>, timeoutMs: number): Promise<T> {
  await confirmed(asked, timeoutMs);
  return asked;
}
