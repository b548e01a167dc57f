// One process of a leader election: `leader.mjs ORDER`. Says when it is elected, when the signal of its term aborts and when its
// term has ended, with the machine's monotonic clock, which all processes share. Is told to block its event loop, or to ignore
// the signals of its terms. Resigns and ends on SIGTERM.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connectLockService, LeaderElection } from 'nestjs-redis-lock';

const { connection, name, lease, ignores = false } = JSON.parse(process.argv[2]);
const say = (message) =>
  console.log(JSON.stringify({ ...message, at: Number(process.hrtime.bigint() / 1_000n) / 1_000 }));
process.on('unhandledRejection', (error) => say({ type: 'defect', error: String(error) }));

const logger = { warn: (message) => say({ type: 'warning', message }) };
const locks = await connectLockService({ ...connection, lease, logger });
const election = new LeaderElection(locks, name);
let end = () => undefined;

const leading = election.lead(async (term) => {
  const { token, signal } = term;
  say({ type: 'elected', token });
  signal.addEventListener('abort', () =>
    say({ type: 'aborted', token, code: signal.reason.code, reason: signal.reason.reason }),
  );
  if (ignores) await new Promise((resolve) => (end = resolve));
  else if (!signal.aborted) await once(signal, 'abort');
  say({ type: 'ended', token });
});

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { type, ms } = JSON.parse(line);
  if (type === 'block') {
    // Said first: the pipe is written to at once.
    say({ type: 'blocks' });
    const until = performance.now() + ms;
    while (performance.now() < until);
    say({ type: 'blocked', isLeader: election.isLeader });
  } else if (type === 'leads') say({ type: 'leads', isLeader: election.isLeader, leader: await election.leader() });
  else if (type === 'end') end();
});

process.on('SIGTERM', async () => {
  await locks.close();
  await leading;
  say({ type: 'resigned', stats: locks.stats() });
  process.stdin.destroy();
});
say({ type: 'ready' });
