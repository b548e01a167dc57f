import { monotonic } from '../../time/clock.js';
import { now } from '../../time/instant.js';
import type { RenewReply, RenewRequest } from '../lock-store.js';
import type { MemoryState } from './memory-state.js';

/** Takes and frees exclusive locks in this process's memory. */
export class MemoryLocks {
  /** @param keyOf yields, like a request to a server, and returns the key of a name */
  constructor(
    private readonly state: MemoryState,
    private readonly keyOf: (name: string) => Promise<string>,
  ) {}

  /** Takes a lock that is free, or that the owner has already, and returns the first of its tokens. */
  take(key: string, owner: string, leaseMs: number, tokens: number): number {
    const again = this.state.read(key) !== undefined;
    this.state.write(key, owner, leaseMs);
    const last = this.state.lastToken(key);
    return again && last !== undefined ? last - tokens + 1 : this.state.reserveTokens(key, tokens);
  }

  /** Requests arrive in the order in which they were sent, so their numbers are not needed. */
  async renew({ name, owner, leaseMs, exact }: RenewRequest): Promise<RenewReply> {
    const sentAt = now();
    const key = await this.keyOf(name);
    const entry = this.state.read(key);
    if (entry?.owner !== owner) return { held: false, sentAt };
    if (exact || entry.expiresAt < monotonic() + leaseMs) this.state.write(key, owner, leaseMs);
    return { held: true, sentAt };
  }

  /** Whether the owner had it. */
  free(key: string, owner: string, keepMs: number): boolean {
    if (this.state.read(key)?.owner !== owner) return false;
    if (keepMs > 0) this.state.write(key, owner, keepMs);
    else this.state.delete(key);
    return true;
  }
}
