// Takes permits of a semaphore, one after another, and says when it has one, when it leaves and when it has returned it.
import { connectLockService } from 'nestjs-redis-lock';

const [url, name, permits, leaseMs, holdMs, take = '1'] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));
/** The machine's clock, in ms. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

const locks = await connectLockService({ url, lease: Number(leaseMs) });
const semaphore = locks.semaphore(name, { permits: Number(permits) });
say({ type: 'ready' });
for (;;) {
  const lease = await semaphore.acquire({ wait: Infinity, take: Number(take) });
  // The stamp first: whatever comes between makes the end of the lease earlier than it is.
  const at = now();
  say({ type: 'held', token: lease.token, at, until: at + lease.remaining() });
  await new Promise((resolve) => setTimeout(resolve, Number(holdMs)));
  const outcome = lease.signal.aborted ? 'aborted' : 'held';
  // Said before the release: after it, another process may be in before this one can say anything.
  say({ type: 'leaves', outcome, at: now() });
  say({ type: 'returned', release: await lease.release() });
}
