// One replica of the experiment with leaders: `replica.mjs ORDER`. While it leads, it writes to a table that is guarded by the
// token of its term. Some terms that are lost ignore their signal and go on writing. All times are from the machine's monotonic clock.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService, LeaderElection } from 'nestjs-redis-lock';
import pg from 'pg';

const { url, database, name, lease, ignoreEvery } = JSON.parse(process.argv[2]);
const now = () => Number(process.hrtime.bigint() / 1_000n) / 1_000;
const say = (message) => console.log(JSON.stringify({ ...message, at: now() }));
process.on('unhandledRejection', (error) => say({ type: 'defect', error: String(error) }));

const db = new pg.Client({ connectionString: database });
await db.connect();
const locks = await connectLockService({ url, lease, shutdownTimeout: 3 * lease });
let terms = 0;
let running = false;

/** The row of the guard is locked first, so the numbers of the accepted writes are in the order of the commits. */
async function write(token) {
  const { rowCount } = await db.query(
    `with guard as (update guard set fence = $1 where fence <= $1 returning fence)
     insert into accepted (token, pid) select fence, $2 from guard`,
    [token, process.pid],
  );
  return rowCount === 1;
}

async function lead(term) {
  const { token, signal } = term;
  say({ type: 'elected', token });
  if (running) say({ type: 'defect', error: 'a second term began before the first had ended' });
  running = true;
  signal.addEventListener('abort', () =>
    say({ type: 'aborted', token, code: signal.reason.code, reason: signal.reason.reason }),
  );
  terms += 1;
  const ignores = terms % ignoreEvery === 0;
  const counts = { acceptedWhileLeading: 0, rejectedWhileLeading: 0, acceptedLater: 0, rejectedLater: 0 };
  let until = Infinity;
  while (now() < until) {
    const leads = !signal.aborted;
    if (!leads && until === Infinity) until = ignores && signal.reason.code === 'LOCK_LOST' ? now() + 2 * lease : 0;
    if (now() >= until) break;
    const accepted = await write(token);
    counts[`${accepted ? 'accepted' : 'rejected'}${leads ? 'WhileLeading' : 'Later'}`] += 1;
    await sleep(5);
  }
  running = false;
  say({ type: 'ended', token, ...counts });
}

const leading = new LeaderElection(locks, name).lead(lead);
process.on('SIGTERM', async () => {
  await locks.close();
  await leading;
  await db.end();
  process.stdin.destroy();
});
process.stdin.resume();
say({ type: 'ready' });
