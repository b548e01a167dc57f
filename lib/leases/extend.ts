import { LockLostError, LockUnavailableError } from '../errors/index.js';
import type { Hold, HoldKeeper } from '../holds/hold.js';
import type { LockStore, RenewReply } from '../stores/lock-store.js';
import { OverdueError } from '../stores/overdue-error.js';
import type { CallerHold } from './caller-hold.js';

/**
 * Makes a caller's lease last `leaseMs` from now on.
 *
 * @param fix whether the lease is no longer to be renewed
 * @throws LockLostError if the lock is not held any more
 * @throws LockUnavailableError if the store cannot be reached
 */
export async function extendCallerHold(
  callerHold: CallerHold,
  leaseMs: number,
  fix: boolean,
  store: LockStore,
  keeper: HoldKeeper,
): Promise<void> {
  callerHold.assertHeld();
  const { hold } = callerHold;
  // Before the request: the watchdog would answer a short lease with a renewal of its own.
  if (fix) hold.renewMs = undefined;
  const takeBack = hold.foresee(leaseMs);
  keeper.watch(hold);
  const { changes } = hold;
  const confirm = ({ held, sentAt }: RenewReply): void => {
    callerHold.assertHeld();
    if (!held) throw lostBy(hold, keeper) ?? new LockLostError(callerHold.name, callerHold.token, 'taken');
    hold.confirm(sentAt, leaseMs, changes, true);
    keeper.watch(hold);
  };
  const renewal = store.renew(hold.name, hold.owner, leaseMs, hold.minReplicas, changes, true);
  const reply = await renewal.catch((error: unknown): never => {
    if (error instanceof LockUnavailableError && !error.outcomeUnknown) takeBack();
    // A release that overtook this call is the reason, whether or not Redis answered.
    if (callerHold.over) callerHold.assertHeld();
    // The call has failed, but the lease counts from when the request was sent.
    if (error instanceof OverdueError) (error as OverdueError<RenewReply>).reply.then(confirm).catch(() => undefined);
    keeper.watch(hold);
    throw error instanceof LockUnavailableError ? error.forLock(hold.name) : error;
  });
  confirm(reply);
}

function lostBy(hold: Hold, keeper: HoldKeeper): LockLostError | null {
  keeper.unwatch(hold);
  hold.lose('taken');
  return hold.lost;
}
