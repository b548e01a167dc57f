// Runs sections under one lock from several callers and keeps a log of them that does not depend on the lock: a line is
// appended to a shared file at the start and the end of each, with the machine's monotonic clock, which all processes
// share. The file of a section is opened with O_EXCL: two that run at once under one token would meet there.
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService } from 'nestjs-redis-lock';

const { url, name, folder, leaseMs, callers, sections, sectionMs } = JSON.parse(process.argv[2]);
const say = (message) => console.log(JSON.stringify(message));
const log = (entry) =>
  appendFileSync(join(folder, 'log'), `${JSON.stringify({ ...entry, at: String(process.hrtime.bigint()) })}\n`);

const locks = await connectLockService({ url, lease: leaseMs });
say({ type: 'ready' });
await new Promise((resolve) => process.stdin.once('data', resolve));

const collisions = [];
let stop = false;
process.on('SIGTERM', () => (stop = true));

async function section(caller, lease) {
  log({ what: 'start', pid: process.pid, caller, token: lease.token });
  try {
    closeSync(openSync(join(folder, String(lease.token)), 'wx'));
  } catch (error) {
    collisions.push(String(error));
  }
  await sleep(sectionMs);
  log({ what: 'end', pid: process.pid, caller, token: lease.token, lost: lease.remaining() <= 0 });
}

const served = await Promise.all(
  Array.from({ length: callers }, async (_, caller) => {
    let count = 0;
    while (count < sections && !stop) {
      await locks.withLock(name, (lease) => section(caller, lease), { wait: Infinity });
      count += 1;
    }
    return count;
  }),
);
await locks.close();
say({ type: 'done', served, collisions, stats: locks.stats() });
process.stdin.destroy();
