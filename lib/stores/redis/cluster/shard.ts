import { LockUnavailableError } from '../../../errors/index.js';
import { Pulse } from '../connection/heartbeat.js';
import type { RedisClient } from '../connection/redis-client.js';
import { confirmed } from '../notifications/confirmed.js';

/** A connection for notifications to one node of a cluster. After it is lost, it is not used again. */
export class Shard {
  readonly pulse: Pulse;
  /** Resolves when the connection is ready, rejects when it fails. */
  readonly ready: Promise<void>;
  /** The channels whose subscription is confirmed on this connection. */
  readonly channels = new Set<string>();
  /** The channels whose subscription was requested: the node may subscribe them even if its reply was not awaited. */
  readonly asked = new Set<string>();
  /** Whether the node has sharded channels (Redis 7); assumed until it rejects one. */
  private sharded = true;

  constructor(
    readonly address: string,
    readonly client: RedisClient,
  ) {
    const inUse = (): boolean => this.asked.size > 0;
    const replace = (): void => {
      client.disconnect();
    };
    this.pulse = new Pulse(client, inUse, replace);
    this.ready = untilReady(client);
  }

  /**
   * Subscribes to the sharded or the ordinary channel, whichever this node publishes to.
   *
   * @param left returns the remaining time, in ms
   */
  async listen(channel: string, left: () => number): Promise<void> {
    if (this.sharded) {
      try {
        await confirmed(this.client.call('ssubscribe', channel), left());
        return;
      } catch (error) {
        if (!/^ERR unknown command/i.test(replyIn(error))) throw error;
        this.sharded = false;
      }
    }
    await confirmed(this.client.call('subscribe', channel), left());
  }

  leave(channel: string): void {
    if (!this.asked.delete(channel) || this.client.status !== 'ready') return;
    this.pulse.awaitAnswer(this.client.call(this.sharded ? 'sunsubscribe' : 'unsubscribe', channel));
  }
}

/** The error reply of the node; '' if there was none. */
export function replyIn(error: unknown): string {
  const cause: unknown = error instanceof LockUnavailableError ? error.cause : undefined;
  return cause instanceof Error ? cause.message : '';
}

function untilReady(client: RedisClient): Promise<void> {
  const ready = new Promise<void>((resolve, reject) => {
    client.on('ready', () => {
      resolve();
    });
    client.on('end', () => {
      reject(new Error('the node cannot be reached'));
    });
  });
  // Each subscription awaits the promise and reports the failure.
  ready.catch(() => undefined);
  return ready;
}
