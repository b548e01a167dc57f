// The experiment with changes of leader; README.md explains it. Run `npm run build` first, then
//   node --import ./test/support/register-ts.mjs test/exploration/leaders/main.ts [--changes 200] [--seed 1]
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../../../sample-app/services/postgres.js';
import { RedisServer } from '../../support/redis-node.js';
import { startAgain } from '../faults/runner/ways.js';
import { Random } from '../sim/kernel/random.js';
import { Replicas, type Replica } from './replicas.js';
import { report, type Change, type Fault } from './report.js';

const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '200' },
    replicas: { type: 'string', default: '4' },
    /** ms */
    lease: { type: 'string', default: '1500' },
    /** Every so many terms of a process, one ignores that it was lost. 0: none. */
    'ignore-every': { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
  },
});
const lease = Number(values.lease);
const random = new Random(Number(values.seed), 'leaders');
/** How long a fault lasts: longer than a lease, so that it changes the leader. */
const longer = (): number => lease * (1.2 + random.next());
const pick = <T>(of: readonly T[]): T => of[random.int(0, of.length - 1)]!;

const postgres = await startPostgres();
const db = new pg.Client({ connectionString: postgres.url });
await db.connect();
await db.query(`
  create table guard (fence bigint not null);
  insert into guard values (0);
  create table accepted (seq bigserial primary key, token bigint not null, pid int not null);
`);
const server = await RedisServer.start();
const order = { database: postgres.url, name: 'relay', lease, ignoreEvery: Number(values['ignore-every']) || Infinity };
const replicas = new Replicas(server, order);
const changes: Change[] = [];
try {
  for (let index = 0; index < Number(values.replicas); index += 1) await replicas.start();
  while (changes.length < Number(values.changes)) {
    // The leader works for a moment; the fault comes at any time between two renewals.
    await sleep(random.next() * lease * 0.5);
    const { replica, token } = await replicas.untilLeader(0);
    const fault = pick<Fault>(['kill', 'stop', 'network', 'redis', 'terminate']);
    const { at, reachableAt = at, undo } = await inject(fault, replica);
    changes.push({ fault, at, reachableAt, from: token });
    await replicas.untilLeader(token);
    await undo();
    if (changes.length % 20 === 0) console.error(`${String(changes.length)} changes`);
  }
  await sleep(3 * lease);
  await replicas.stopAll();
  process.exitCode = await report({ changes, terms: replicas.terms(), defects: replicas.defects(), lease, db });
} finally {
  await replicas.kill();
  await server.stop();
  await db.end();
  await postgres.stop();
}

interface Injected {
  /** When the fault began. */
  readonly at: number;
  /** When Redis could be reached again. */
  readonly reachableAt?: number;
  /** Ends the fault, once there is a new leader. */
  readonly undo: () => Promise<void>;
}

async function inject(fault: Fault, leader: Replica): Promise<Injected> {
  const at = replicas.now();
  switch (fault) {
    case 'kill':
      await replicas.remove(leader, 'SIGKILL');
      return { at, undo: () => replicas.start() };
    case 'terminate':
      void replicas.remove(leader, 'SIGTERM');
      return { at, undo: () => replicas.start() };
    case 'stop': {
      leader.child.freeze();
      const until = at + longer();
      return {
        at,
        undo: async () => {
          await sleep(Math.max(0, until - replicas.now()));
          leader.child.thaw();
        },
      };
    }
    case 'network': {
      const way = pick(['both', 'requests', 'replies', 'refused']);
      if (way === 'refused') leader.proxy.refuse();
      if (way !== 'refused' && way !== 'replies') leader.proxy.requests = 'hold';
      if (way !== 'refused' && way !== 'requests') leader.proxy.replies = 'hold';
      const until = at + longer();
      return {
        at,
        undo: async () => {
          await sleep(Math.max(0, until - replicas.now()));
          leader.proxy.accept();
          leader.proxy.resume();
        },
      };
    }
    case 'redis':
      await server.kill();
      await sleep(random.next() * 2 * lease);
      await startAgain(server);
      return { at, reachableAt: replicas.now(), undo: () => Promise.resolve() };
  }
}
