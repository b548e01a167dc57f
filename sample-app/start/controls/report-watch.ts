import { Redis } from 'ioredis';
import type { ReplicaReport } from '../../src/live/replica-report.js';

const reconnectMs = 100;

/** Hears the replicas' reports, as the page does, but straight from Redis. */
export class ReportWatch {
  private readonly redis: Redis;
  private readonly listeners = new Set<(report: ReplicaReport) => void>();

  constructor(url: string, prefix: string) {
    this.redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => reconnectMs });
    this.redis.on('error', () => undefined);
    this.redis.on('message', (_channel, message) => {
      for (const listener of this.listeners) listener(JSON.parse(message) as ReplicaReport);
    });
    this.redis.subscribe(`${prefix}live`).catch(() => undefined);
  }

  /**
   * Waits for a report that `find` makes something of.
   *
   * @returns what it made, or `null` after `limitMs`
   */
  async wait<T>(limitMs: number, find: (report: ReplicaReport) => T | null): Promise<T | null> {
    return new Promise((resolve) => {
      const end = (found: T | null): void => {
        clearTimeout(timer);
        this.listeners.delete(listener);
        resolve(found);
      };
      const timer = setTimeout(() => end(null), limitMs);
      const listener = (report: ReplicaReport): void => {
        const found = find(report);
        if (found !== null) end(found);
      };
      this.listeners.add(listener);
    });
  }

  close(): void {
    this.redis.disconnect();
  }
}
