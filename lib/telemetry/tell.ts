import type { LockError, LockLostReason } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import { channels } from './channels.js';
import { modeOf, type TakenAs } from './message-mode.js';
import type {
  AcquiredMessage,
  LostMessage,
  NotifiedLateMessage,
  RefusedMessage,
  ReleasedMessage,
  RenewalFailedMessage,
  RenewedLateMessage,
} from './messages.js';
import { monotonic } from '../time/clock.js';

/** The parts of a hold that messages contain. */
interface GrantedHold extends TakenAs {
  readonly leaseMs: number;
  readonly tokensUsed: number;
  remaining(): number;
}

/** The parts of a caller hold that messages contain. */
interface ToldHold<Hold> {
  readonly name: string;
  readonly label: string | undefined;
  readonly token: FencingToken;
  /** When the lock was granted, on the monotonic clock. */
  readonly since: number;
  readonly hold: Hold;
}

/** The parts of a hold that messages about its renewal contain. */
interface RenewedHold extends TakenAs {
  readonly name: string;
  readonly label: string | undefined;
  readonly token: FencingToken;
  readonly leaseMs: number;
  remaining(): number;
}

/** The parts of a request that messages contain. */
export interface RefusedRequest extends TakenAs {
  readonly label?: string | undefined;
}

export function tellAcquired({ name, label, token, hold }: ToldHold<GrantedHold>, waitedMs: number): void {
  if (!channels.acquired.hasSubscribers) return;
  const { leaseMs, tokensUsed } = hold;
  const handedOver = tokensUsed > 1;
  const remainingMs = Math.max(0, Math.floor(hold.remaining()));
  const message: AcquiredMessage = {
    name,
    label,
    mode: modeOf(hold),
    token,
    waitedMs: Math.round(waitedMs),
    leaseMs,
    remainingMs,
    handedOver,
  };
  channels.acquired.publish(message);
}

export function tellReleased(
  { name, label, token, since, hold }: ToldHold<TakenAs>,
  outcome: ReleasedMessage['outcome'],
): void {
  if (!channels.released.hasSubscribers) return;
  const message: ReleasedMessage = {
    name,
    label,
    mode: modeOf(hold),
    token,
    outcome,
    heldMs: Math.round(monotonic() - since),
  };
  channels.released.publish(message);
}

export function tellLost({ name, label, token, hold }: Omit<ToldHold<TakenAs>, 'since'>, reason: LockLostReason): void {
  if (!channels.lost.hasSubscribers) return;
  const message: LostMessage = { name, label, mode: modeOf(hold), token, reason };
  channels.lost.publish(message);
}

export function tellRefused(name: string, request: RefusedRequest, error: LockError, waitedMs: number): void {
  if (!channels.refused.hasSubscribers) return;
  const message: RefusedMessage = {
    name,
    label: request.label,
    mode: modeOf(request),
    waitedMs: Math.round(waitedMs),
    error,
  };
  channels.refused.publish(message);
}

/** Called before a renewal is recorded. Reports it if less than a third of the lease is left. */
export function tellIfLate(hold: RenewedHold): void {
  if (!channels.renewedLate.hasSubscribers) return;
  const { name, label, token, leaseMs } = hold;
  const remainingMs = Math.floor(hold.remaining());
  if (remainingMs >= leaseMs / 3) return;
  const message: RenewedLateMessage = { name, label, mode: modeOf(hold), token, leaseMs, remainingMs };
  channels.renewedLate.publish(message);
}

export function tellRenewalFailed(hold: RenewedHold, error: unknown): void {
  if (!channels.renewalFailed.hasSubscribers) return;
  const { name, label, token } = hold;
  const remainingMs = Math.max(0, Math.floor(hold.remaining()));
  const message: RenewalFailedMessage = { name, label, mode: modeOf(hold), token, remainingMs, error };
  channels.renewalFailed.publish(message);
}

export function tellNotifiedLate(name: string, request: RefusedRequest, waitedMs: number): void {
  if (!channels.notifiedLate.hasSubscribers) return;
  const { label } = request;
  const message: NotifiedLateMessage = { name, label, mode: modeOf(request), waitedMs: Math.round(waitedMs) };
  channels.notifiedLate.publish(message);
}
