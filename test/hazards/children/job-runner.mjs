// One replica of a service that runs scheduled jobs: `job-runner.mjs ORDER`. At each job's time it tries the job's lock
// once and keeps what it gets until it closes, so that a second replica can run a job only if two hold its lock at once.
// Says which jobs it got, and for the others why not.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService } from 'nestjs-redis-lock';

const { nodes, prefix, jobs, spacingMs, leaseMs, options } = JSON.parse(process.argv[2]);
const say = (message) => console.log(JSON.stringify(message));
const locks = await connectLockService({ quorum: nodes, ...options });
// All scripts are known to the nodes, and all connections are up.
await locks.withLock(`${prefix}:warm:${process.pid}`, () => undefined, { wait: 30_000 });

/** The machine's monotonic clock, which all processes share, in ms. */
const machineClock = () => Number(process.hrtime.bigint() / 1_000n) / 1_000;
const won = [];
const refused = {};

async function tryJob(job, at) {
  await sleep(Math.max(0, at - machineClock()));
  try {
    await locks.acquire(`${prefix}:${job}`, { wait: 0, lease: leaseMs, renew: false });
    won.push(job);
  } catch (error) {
    refused[error.code ?? error] = (refused[error.code ?? error] ?? 0) + 1;
  }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { type, at } = JSON.parse(line);
  if (type === 'close') {
    await locks.close();
    process.exit(0);
  }
  await Promise.all(Array.from({ length: jobs }, (_, job) => tryJob(job, at + job * spacingMs)));
  say({ type: 'done', won, refused });
});
say({ type: 'ready', now: machineClock() });
