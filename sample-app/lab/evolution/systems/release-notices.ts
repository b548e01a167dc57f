import type { Redis } from 'ioredis';

/** What the callers of this process share who wait for one lock: a semaphore that each message adds one permit to. */
interface Line {
  users: number;
  permits: number;
  readonly sleepers: (() => void)[];
}

/** Listens for releases on behalf of waiters: each message wakes one of those who wait for that lock. */
export class ReleaseNotices {
  private readonly lines = new Map<string, Line>();

  /** `subscriber`: a connection for nothing else. */
  constructor(private readonly subscriber: Redis) {
    subscriber.on('message', (channel: string) => this.addPermit(channel));
    // It connects again by itself, and who sleeps tries again when the lease it saw is over.
    subscriber.on('error', () => undefined);
  }

  /** Resolves once releases are heard. Call `leave` when the wait is over. */
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
