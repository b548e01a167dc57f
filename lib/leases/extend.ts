import { LockLostError, LockUnavailableError } from '../errors/index.js';
import type { Hold, HoldKeeper } from '../holds/hold.js';
import type { RenewReply } from '../stores/lock-store.js';
import { OverdueError } from '../stores/overdue-error.js';
import type { CallerHold } from './caller-hold.js';

/**
 * Sets a caller's lease to end `leaseMs` from now.
 *
 * @param fix whether to stop the renewals of the lease
 * @throws LockLostError if the lock is no longer held
 * @throws LockUnavailableError if the store cannot be reached
 */
export async function extendCallerHold(
  callerHold: CallerHold,
  leaseMs: number,
  fix: boolean,
  keeper: HoldKeeper,
): Promise<void> {
  callerHold.assertHeld();
  const { hold } = callerHold;
  // Before the request, since the watchdog would otherwise renew the short lease.
  if (fix) hold.renewMs = undefined;
  // Other callers of this process that read rely on the lease, too: it is only prolonged.
  const exact = hold.users <= 1;
  const takeBack = exact ? hold.foresee(leaseMs) : () => undefined;
  keeper.watch(hold);
  const { changes } = hold;
  const confirm = ({ held, sentAt }: RenewReply): void => {
    callerHold.assertHeld();
    if (!held) throw lostBy(hold, keeper) ?? new LockLostError(callerHold.name, callerHold.token, 'taken');
    hold.confirm(sentAt, leaseMs, changes, exact);
    keeper.watch(hold);
  };
  const reply = await hold.renew(leaseMs, exact).catch((error: unknown): never => {
    if (error instanceof LockUnavailableError && !error.outcomeUnknown) takeBack();
    // If the lock was released meanwhile, report that instead of the failed request.
    if (callerHold.over) callerHold.assertHeld();
    // The call fails, but a late reply still sets the lease, counted from when the request was sent.
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
