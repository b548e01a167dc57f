// A process with one release of the library: callers of each kind of lock that report their sections to the experiment, which is
// outside of Redis, before they begin and when they end.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService } from 'nestjs-redis-lock';

const [url, port] = process.argv.slice(2);
const LEASE_MS = 2_000;
const WAIT_MS = 30_000;
const CALLERS = 4;
const PERMITS = 3;

const locks = await connectLockService({ url, lease: LEASE_MS, logger: false });
const witness = connect(Number(port), '127.0.0.1');
const answered = [];
createInterface({ input: witness }).on('line', () => answered.shift()());
/** Resolved when the experiment has counted it. */
const tell = (message) =>
  new Promise((resolve) => {
    answered.push(resolve);
    witness.write(`${JSON.stringify(message)}\n`);
  });
const partner = locks.semaphore('partner', { permits: PERMITS });

/** What takes a lock, by the kind that the experiment judges. */
const TAKE = {
  exclusive: (section) => locks.withLock('exclusive', section, { wait: WAIT_MS }),
  fair: (section) => locks.withLock('fair', section, { wait: WAIT_MS, mode: 'fair' }),
  write: (section) => locks.withLock('read-write', section, { wait: WAIT_MS, mode: 'write' }),
  read: (section) => locks.withLock('read-write', section, { wait: WAIT_MS, mode: 'read' }),
  permit: (section) => partner.withPermit(section, { wait: WAIT_MS }),
};

async function caller(kind) {
  for (;;) {
    try {
      await TAKE[kind](async () => {
        await tell({ kind, by: 1 });
        await sleep(Math.random() * 3);
        await tell({ kind, by: -1 });
      });
    } catch (error) {
      await tell({ kind, error: error.code ?? String(error) });
    }
    await sleep(Math.random() * 5);
  }
}

for (const kind of Object.keys(TAKE)) for (let each = 0; each < CALLERS; each += 1) void caller(kind);
console.log('ready');
process.once('SIGTERM', () => void locks.close().then(() => process.exit()));
