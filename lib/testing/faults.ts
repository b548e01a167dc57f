import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { LockConfigError, LockUnavailableError, type LockLostReason } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import type { AcquireReply, AcquireRequest, KindStore, RenewReply, RenewRequest } from '../stores/lock-store.js';
import { lockChannels } from '../telemetry/channels.js';
import type { RefusedMessage } from '../telemetry/messages.js';
import { monotonic } from '../time/clock.js';

/** A reply that a test wants in place of that of the store. */
interface Fault {
  /** Which lock; `undefined`: all. */
  readonly name: string | undefined;
  readonly reply: 'busy' | 'unavailable';
  /** How many more callers it affects. */
  left: number;
  /** The locks whose callers it affects now: it is the reply to each of their attempts. */
  readonly affects: Set<string>;
}

/** What a store has granted. */
interface Grant {
  readonly store: Pick<KindStore, 'release'>;
  readonly name: string;
  readonly owner: string;
  /** When its lease ends at the latest, on the monotonic clock. */
  until: number;
}

/** The parts of a store that have requests of their own. */
const PARTS: readonly unknown[] = ['fair', 'readWrite', 'semaphores', 'latches', 'firings', 'holders'];
/** What needs no request to a server. */
const LOCAL: readonly unknown[] = ['subscribe', 'close'];

type Request = (...args: unknown[]) => Promise<unknown>;

/** Stands between a service and its store, and replies to requests as a test wants it. */
export class Faults {
  private faults: Fault[] = [];
  private readonly grants = new Map<string, Grant>();
  private readonly expiring = new Set<string>();

  /** Called when a fault is the reply to the first attempt of a caller, which may wait now. */
  onFirstReply: (name: string) => void = () => undefined;

  add(reply: Fault['reply'], left: number, name?: string): void {
    this.faults.push({ name, reply, left, affects: new Set() });
    unsubscribe(lockChannels.refused, this.onCallRefused);
    subscribe(lockChannels.refused, this.onCallRefused);
  }

  clear(): void {
    this.faults = [];
    this.expiring.clear();
    unsubscribe(lockChannels.refused, this.onCallRefused);
  }

  /** @param overrides properties that differ from those of the store */
  wrap<Store extends object>(store: Store, overrides: object = {}): Store {
    return new Proxy(store, {
      get: (target, key) => {
        if (Object.hasOwn(overrides, key)) return Reflect.get(overrides, key) as unknown;
        const value: unknown = Reflect.get(target, key);
        if (PARTS.includes(key)) return this.wrap(value as object);
        if (typeof value !== 'function') return value;
        const request = value.bind(target) as Request;
        return LOCAL.includes(key) ? request : this.intercepted(target as unknown as KindStore, key, request);
      },
    });
  }

  /**
   * Takes a lock away from this service: the store forgets its owners, or renews their leases no longer. Returns how long
   * it takes at most until they are lost, in ms, and whether they are.
   *
   * @throws LockConfigError if the service does not hold it
   */
  async takeAway(name: string, reason: LockLostReason): Promise<{ ms: number; isOver: () => boolean }> {
    const time = monotonic();
    const grants = [...this.grants.values()].filter((grant) => grant.name === name && grant.until > time);
    if (grants.length === 0) throw new LockConfigError(`${quoteName(name)} cannot be lost: it is not held.`, name);
    for (const { store, owner } of grants) {
      if (reason === 'expired') this.expiring.add(owner);
      else await store.release(name, owner, 0);
    }
    return {
      ms: Math.max(...grants.map(({ until }) => until)) - time,
      isOver: () => grants.every(({ owner }) => !this.grants.has(owner)),
    };
  }

  private intercepted(store: KindStore, method: string | symbol, request: Request): Request {
    return async (...args) => {
      if (method === 'acquire') return this.acquire(store, args[0] as AcquireRequest, request);
      if (this.faults.some(({ reply, left }) => reply === 'unavailable' && left === Infinity)) throw unavailable();
      if (method === 'renew') return this.renew(args[0] as RenewRequest, request);
      if (method === 'release') this.grants.delete(args[1] as string);
      return request(...args);
    };
  }

  private async acquire(store: KindStore, asked: AcquireRequest, request: Request): Promise<AcquireReply> {
    const { name, owner, leaseMs } = asked;
    const fault = this.faults.find((each) => (each.name ?? name) === name && (each.affects.has(name) || each.left > 0));
    const until = monotonic() + leaseMs;
    if (fault === undefined) {
      const reply = (await request(asked)) as AcquireReply;
      if (reply.taken) this.grants.set(owner, { store, name, owner, until });
      return reply;
    }
    if (!fault.affects.has(name)) {
      fault.affects.add(name);
      fault.left -= 1;
      this.onFirstReply(name);
    }
    await Promise.resolve();
    if (fault.reply === 'unavailable') throw unavailable();
    return { taken: false, remainingMs: leaseMs };
  }

  /** The next attempt for this lock is that of another caller. */
  private readonly onCallRefused = (message: unknown): void => {
    const { name } = message as RefusedMessage;
    for (const { affects } of this.faults) affects.delete(name);
  };

  private async renew(asked: RenewRequest, request: Request): Promise<RenewReply> {
    const { owner, leaseMs } = asked;
    if (this.expiring.has(owner)) throw unavailable();
    const grant = this.grants.get(owner);
    const until = monotonic() + leaseMs;
    const reply = (await request(asked)) as RenewReply;
    if (!reply.held) this.grants.delete(owner);
    else if (grant !== undefined) grant.until = Math.max(grant.until, until);
    return reply;
  }
}

function unavailable(): LockUnavailableError {
  return new LockUnavailableError('a test made Redis unavailable.', undefined, {
    retryable: true,
    outcomeUnknown: false,
  });
}
