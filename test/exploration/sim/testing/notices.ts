import type { Redis } from 'ioredis';
import { redisClient } from '../../../support/test-redis.js';

/** What is published on channels that begin with a prefix. */
export class Notices {
  private told: string[] = [];
  private onEnd: () => void = () => undefined;

  private constructor(
    private readonly listener: Redis,
    private readonly end: string,
  ) {
    listener.on('pmessage', (_pattern: string, channel: string, message: string) => {
      if (channel === end) this.onEnd();
      else this.told.push(`${channel} ${message}`);
    });
  }

  static async open(prefix: string): Promise<Notices> {
    const notices = new Notices(redisClient(), `${prefix}end`);
    await notices.listener.psubscribe(`${prefix}*`);
    return notices;
  }

  /** The messages since the last call. */
  async take(client: Redis): Promise<string[]> {
    const ended = new Promise<void>((resolve) => {
      this.onEnd = resolve;
    });
    await client.publish(this.end, '');
    await ended;
    const { told } = this;
    this.told = [];
    return told;
  }

  close(): void {
    this.listener.disconnect();
  }
}
