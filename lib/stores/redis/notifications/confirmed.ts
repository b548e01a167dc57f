import { LockUnavailableError } from '../../../errors/index.js';
import { RunningTimer } from '../../../time/running-timer.js';
import { isServerError, refused, unanswered } from '../connection/server-error.js';

/** Waits for the reply to a subscription. Rejects with `LockUnavailableError`, at the latest after `timeoutMs`. */
export async function confirmed(sent: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: RunningTimer | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = new RunningTimer(timeoutMs, () => {
      const what = `Redis did not confirm a subscription within ${String(timeoutMs)} ms.`;
      reject(new LockUnavailableError(what, undefined, { retryable: true, outcomeUnknown: false }));
    });
  });
  try {
    await Promise.race([sent, timeout]);
  } catch (error) {
    if (error instanceof LockUnavailableError) throw error;
    throw isServerError(error) ? refused(error, undefined) : unanswered(error);
  } finally {
    timer?.stop();
  }
}
