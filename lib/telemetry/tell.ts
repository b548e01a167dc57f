import type { LockError } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import { channels } from './channels.js';
import type { AcquiredMessage, RefusedMessage, ReleasedMessage } from './messages.js';
import { monotonic } from '../time/clock.js';

/** The parts of a hold that messages contain. */
interface GrantedHold {
  readonly name: string;
  readonly token: FencingToken;
  readonly leaseMs: number;
  readonly tokensUsed: number;
  remaining(): number;
}

export function tellAcquired(hold: GrantedHold, waitedMs: number): void {
  if (!channels.acquired.hasSubscribers) return;
  const { name, token, leaseMs, tokensUsed } = hold;
  const handedOver = tokensUsed > 1;
  const remainingMs = Math.max(0, Math.floor(hold.remaining()));
  const message: AcquiredMessage = { name, token, waitedMs: Math.round(waitedMs), leaseMs, remainingMs, handedOver };
  channels.acquired.publish(message);
}

/** @param since when the lock was granted, on the monotonic clock */
export function tellReleased(
  { name, token, since }: { readonly name: string; readonly token: FencingToken; readonly since: number },
  outcome: ReleasedMessage['outcome'],
): void {
  if (!channels.released.hasSubscribers) return;
  const message: ReleasedMessage = { name, token, outcome, heldMs: Math.round(monotonic() - since) };
  channels.released.publish(message);
}

export function tellRefused(name: string, error: LockError, waitedMs: number): void {
  if (!channels.refused.hasSubscribers) return;
  const message: RefusedMessage = { name, waitedMs: Math.round(waitedMs), error };
  channels.refused.publish(message);
}
