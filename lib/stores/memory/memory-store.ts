import { LockConfigError, LockUnavailableError } from '../../errors/index.js';
import { quoteName } from '../../errors/quote-name.js';
import { monotonic } from '../../time/clock.js';
import { now } from '../../time/instant.js';
import type {
  AcquireReply,
  AcquireRequest,
  LockStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
  RenewRequest,
} from '../lock-store.js';
import type { StoredLock } from '../lock-state.js';
import { MemoryFair } from './memory-fair.js';
import { MemoryFirings } from './memory-firings.js';
import { MemoryHolders } from './memory-holders.js';
import type { MemoryKindHost } from './memory-kind-host.js';
import { MemoryLatches } from './memory-latches.js';
import { MemoryLocks } from './memory-locks.js';
import { MemoryReadWrite } from './memory-read-write.js';
import { MemorySemaphores } from './memory-semaphores.js';
import type { MemoryKind, MemoryState } from './memory-state.js';

const TITLES: Record<MemoryKind, string> = {
  lock: 'a lock',
  'read-write': 'a read-write lock',
  semaphore: 'a semaphore',
  latch: 'a latch',
};

/**
 * Locks in this process's memory, for tests: the same guarantees as on Redis, within one process. There are no
 * replicas; `minReplicas` has no effect, so that code that uses it can be tested.
 */
export class MemoryStore implements LockStore {
  private readonly own = new Set<() => void>();
  private closed = false;
  private readonly locks: MemoryLocks;
  readonly firings: MemoryFirings;
  readonly holders: MemoryHolders;
  readonly fair: MemoryFair;
  readonly semaphores: MemorySemaphores;
  readonly readWrite: MemoryReadWrite;
  readonly latches: MemoryLatches;

  constructor(
    private readonly state: MemoryState,
    private readonly keyPrefix: string,
  ) {
    this.firings = new MemoryFirings(state.firings, (name) => this.turn(name));
    this.holders = new MemoryHolders(state.holders, (id) => this.turn(id));
    const hostOf = (kind: MemoryKind): MemoryKindHost => ({
      keyOf: (name) => this.keyOf(name, kind),
      notify: (channel) => state.notify(channel, this.own),
      listen: (name, channelOf, onNotification) => this.listen(channelOf(keyPrefix + name), onNotification),
    });
    this.locks = new MemoryLocks(state, (name) => this.turn(name));
    this.fair = new MemoryFair(state, this.locks, hostOf('lock'));
    this.semaphores = new MemorySemaphores(state, hostOf('semaphore'));
    this.readWrite = new MemoryReadWrite(state, hostOf('read-write'));
    this.latches = new MemoryLatches(state.latches, hostOf('latch'));
  }

  async connect(): Promise<void> {
    await this.turn('');
  }

  async acquire({ name, owner, leaseMs, tokens }: AcquireRequest): Promise<AcquireReply> {
    const sentAt = now();
    const key = await this.keyOf(name, 'lock');
    const entry = this.state.read(key);
    if (entry !== undefined && entry.owner !== owner) {
      return { taken: false, remainingMs: entry.expiresAt - monotonic() };
    }
    return { taken: true, token: this.locks.take(key, owner, leaseMs, tokens), sentAt };
  }

  renew(request: RenewRequest): Promise<RenewReply> {
    return this.locks.renew(request);
  }

  async release(name: string, owner: string, keepMs: number): Promise<ReleaseReply> {
    const key = await this.turn(name);
    const held = this.locks.free(key, owner, keepMs);
    // If it is free: its holder may have shortened the lease, and the waiters sleep until the end of the longer one.
    const listeners = held || this.state.read(key) === undefined ? this.state.notify(key, this.own) : 0;
    return { held, listeners: held ? listeners : 0 };
  }

  async inspect(name: string): Promise<StoredLock> {
    const key = await this.keyOf(name, 'lock', 'read-write');
    const entry = this.state.read(key);
    if (this.state.kindOf(key) === 'read-write') return this.readWrite.inspect(key);
    return {
      mode: entry === undefined ? undefined : 'exclusive',
      held: entry !== undefined,
      owner: entry?.owner,
      holds: entry === undefined ? 0 : 1,
      remainingMs: entry === undefined ? undefined : Math.ceil(entry.expiresAt - monotonic()),
      token: this.state.lastToken(key),
    };
  }

  async forceRelease(name: string): Promise<boolean> {
    const key = await this.keyOf(name, 'lock', 'read-write');
    if (this.state.kindOf(key) === 'read-write') return this.readWrite.forceRelease(key);
    const held = this.state.read(key) !== undefined;
    this.state.delete(key);
    if (held) this.state.notify(key, this.own);
    return held;
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return this.listen(this.keyPrefix + name, onNotification);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private listen(key: string, onNotification: () => void): NotificationSubscription {
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

  /** The key of a name. Rejects if it is in use for another kind of lock. */
  private async keyOf(name: string, ...kinds: MemoryKind[]): Promise<string> {
    const key = await this.turn(name);
    const kind = this.state.kindOf(key);
    if (kind !== undefined && !kinds.includes(kind)) throw otherKind(name, TITLES[kind]);
    return key;
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

function otherKind(name: string, title: string): LockConfigError {
  return new LockConfigError(
    `${quoteName(name)} is the name of ${title}. Use each name for one kind of lock only.`,
    name,
  );
}
