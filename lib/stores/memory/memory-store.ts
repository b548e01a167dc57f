import { LockUnavailableError } from '../../errors/index.js';
import { monotonic } from '../../time/clock.js';
import { now } from '../../time/instant.js';
import type { AcquireReply, LockStore, NotificationSubscription, ReleaseReply, RenewReply } from '../lock-store.js';
import type { LockState } from '../lock-state.js';
import { MemoryFirings } from './memory-firings.js';
import type { MemoryState } from './memory-state.js';

/**
 * Locks in this process's memory, for tests: the same guarantees as on Redis, within one process. There are no
 * replicas; `minReplicas` has no effect, so that code that uses it can be tested.
 */
export class MemoryStore implements LockStore {
  private readonly own = new Set<() => void>();
  private closed = false;
  readonly firings: MemoryFirings;

  constructor(
    private readonly state: MemoryState,
    private readonly keyPrefix: string,
  ) {
    this.firings = new MemoryFirings(state.firings, (name) => this.turn(name));
  }

  async connect(): Promise<void> {
    await this.turn('');
  }

  async acquire(name: string, owner: string, leaseMs: number, tokens: number): Promise<AcquireReply> {
    const sentAt = now();
    const key = await this.turn(name);
    const entry = this.state.read(key);
    if (entry !== undefined && entry.owner !== owner) {
      return { taken: false, remainingMs: entry.expiresAt - monotonic() };
    }
    this.state.write(key, owner, leaseMs);
    const last = this.state.lastToken(key);
    const token = entry === undefined || last === undefined ? this.state.reserveTokens(key, tokens) : last - tokens + 1;
    return { taken: true, token, sentAt };
  }

  /** Requests arrive in the order in which they were sent, so their numbers are not needed. */
  async renew(
    name: string,
    owner: string,
    leaseMs: number,
    _minReplicas?: number,
    _number?: number,
    exact = false,
  ): Promise<RenewReply> {
    const sentAt = now();
    const key = await this.turn(name);
    const entry = this.state.read(key);
    if (entry?.owner !== owner) return { held: false, sentAt };
    if (exact || entry.expiresAt < monotonic() + leaseMs) this.state.write(key, owner, leaseMs);
    return { held: true, sentAt };
  }

  async release(name: string, owner: string, keepMs: number): Promise<ReleaseReply> {
    const key = await this.turn(name);
    const entry = this.state.read(key);
    if (entry?.owner !== owner) {
      // Its holder may have shortened the lease, and the waiters sleep until the end of the longer one.
      if (entry === undefined) this.state.notify(key, this.own);
      return { held: false, listeners: 0 };
    }
    if (keepMs > 0) this.state.write(key, owner, keepMs);
    else this.state.delete(key);
    return { held: true, listeners: this.state.notify(key, this.own) };
  }

  async inspect(name: string): Promise<LockState> {
    const key = await this.turn(name);
    const entry = this.state.read(key);
    return {
      held: entry !== undefined,
      owner: entry?.owner,
      holds: entry === undefined ? 0 : 1,
      remainingMs: entry === undefined ? undefined : Math.ceil(entry.expiresAt - monotonic()),
      token: this.state.lastToken(key),
    };
  }

  async forceRelease(name: string): Promise<boolean> {
    const key = await this.turn(name);
    const held = this.state.read(key) !== undefined;
    this.state.delete(key);
    if (held) this.state.notify(key, this.own);
    return held;
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    const key = this.keyPrefix + name;
    this.state.listen(key, onNotification);
    this.own.add(onNotification);
    return {
      active: true,
      activate: () => Promise.resolve(),
      close: () => {
        this.own.delete(onNotification);
        this.state.unlisten(key, onNotification);
      },
    };
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  /** Yields, like a request to a server, and returns the key of `name`. */
  private async turn(name: string): Promise<string> {
    await Promise.resolve();
    if (this.closed) {
      throw new LockUnavailableError('the memory store is closed.', name, { retryable: false, outcomeUnknown: false });
    }
    return this.keyPrefix + name;
  }
}
