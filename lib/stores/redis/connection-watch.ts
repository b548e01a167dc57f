import { LockUnavailableError } from '../../errors/index.js';
import type { RedisClient } from './redis-client.js';

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Follows the state of one client. Requests are only sent while the client is ready, since ioredis parks what it gets
 * while it is offline and would send it later, when the caller has long given up.
 */
export class ConnectionWatch {
  /** How often the connection was cut. If it changed during a request, the request may have been sent twice. */
  cuts = 0;

  /** Who has a request under way that a cut leaves without an answer. */
  readonly cutListeners = new Set<() => void>();

  private readonly waiters = new Set<Waiter>();
  private lastError: Error | undefined;

  constructor(
    readonly client: RedisClient,
    private readonly ownsClient: boolean,
  ) {
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    // A listener of ours would silence the report that ioredis makes of errors nobody listens to. On a caller's client
    // that is the caller's business.
    if (ownsClient) client.on('error', this.onError);
  }

  get ready(): boolean {
    return this.client.status === 'ready';
  }

  /** Resolves once the client is ready; rejects with `LockUnavailableError` after `timeoutMs`. */
  async whenReady(timeoutMs: number): Promise<void> {
    if (this.ready) return;
    if (this.client.status === 'wait') this.client.connect().catch(this.onError);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiter.reject(this.unreachable(timeoutMs));
      }, timeoutMs);
      const waiter: Waiter = {
        resolve: () => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          resolve();
        },
        reject: (error) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          reject(error);
        },
      };
      this.waiters.add(waiter);
    });
  }

  /** Stops listening; whoever still waits is refused. */
  dispose(): void {
    this.client.off('ready', this.onReady);
    this.client.off('close', this.onClose);
    // An own client keeps its error listener: it may report once more while it goes down.
    for (const waiter of [...this.waiters]) waiter.reject(this.unreachable(0));
  }

  private unreachable(timeoutMs: number): LockUnavailableError {
    const state = `the connection is "${this.client.status}"`;
    const seen = this.lastError === undefined ? '' : `; last error: ${this.lastError.message || this.lastError.name}`;
    return new LockUnavailableError(
      `Redis was not reachable within ${String(timeoutMs)} ms (${state}${seen}).`,
      undefined,
      {
        cause: this.lastError,
        retryable: true,
        outcomeUnknown: false,
      },
    );
  }

  private readonly onReady = (): void => {
    this.lastError = undefined;
    for (const waiter of [...this.waiters]) waiter.resolve();
  };

  private readonly onClose = (): void => {
    this.cuts += 1;
    // Our own client does not send a request again, so no answer will come; a caller's client may do so.
    if (this.ownsClient) for (const listener of [...this.cutListeners]) listener();
  };

  private readonly onError = (error: unknown): void => {
    this.lastError = error instanceof Error ? error : new Error(String(error));
  };
}
