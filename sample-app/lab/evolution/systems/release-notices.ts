import type { Redis } from 'ioredis';

/** Shared by the callers of this process that wait for one lock: a semaphore to which each message adds one permit. */
interface Line {
  users: number;
  permits: number;
  readonly sleepers: (() => void)[];
}

/** Subscribes to releases for the waiters: each message resumes one waiter of that lock. */
export class ReleaseNotices {
  private readonly lines = new Map<string, Line>();

  /** `subscriber`: a connection for nothing else. */
  constructor(private readonly subscriber: Redis) {
    subscriber.on('message', (channel: string) => this.addPermit(channel));
    // It reconnects by itself, and a sleeping waiter retries when the lease it saw has ended.
    subscriber.on('error', () => undefined);
  }

  /** Resolves once releases are received. Call `leave` when the wait is over. */
  async join(channel: string): Promise<void> {
    const line = this.lines.get(channel) ?? { users: 0, permits: 0, sleepers: [] };
    line.users += 1;
    this.lines.set(channel, line);
    await this.subscriber.subscribe(channel);
  }

  async leave(channel: string): Promise<void> {
    const line = this.lines.get(channel);
    if (line === undefined) return;
    line.users -= 1;
    if (line.users > 0) return;
    this.lines.delete(channel);
    await this.subscriber.unsubscribe(channel);
  }

  /** Sleeps until there is a permit, or for `ms`. */
  async sleep(channel: string, ms: number): Promise<void> {
    const line = this.lines.get(channel);
    if (line === undefined) return;
    if (line.permits > 0) {
      line.permits -= 1;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        line.sleepers.splice(line.sleepers.indexOf(wake), 1);
        resolve();
      }, ms);
      const wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
      line.sleepers.push(wake);
    });
  }

  close(): void {
    this.subscriber.disconnect();
  }

  private addPermit(channel: string): void {
    const line = this.lines.get(channel);
    if (line === undefined) return;
    const first = line.sleepers.shift();
    if (first === undefined) line.permits += 1;
    else first();
  }
}
