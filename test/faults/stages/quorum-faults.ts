import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../support/redis-node.js';
import type { Dice } from '../runner/dice.js';
import type { Fault } from '../runner/fault.js';
import { onServer } from '../runner/server-faults.js';
import { startAgain } from '../runner/ways.js';

const fault = (what: string, weight: number, happen: Fault['happen']): Fault => ({
  ...{ what, weight, happen, losesState: false },
});

async function freeze(chosen: readonly RedisServer[], ms: number): Promise<void> {
  for (const server of chosen) server.freeze();
  await sleep(ms);
  for (const server of chosen) server.thaw();
}

async function restart(chosen: readonly RedisServer[], downMs: number): Promise<void> {
  await Promise.all(chosen.map((server) => server.kill()));
  await sleep(downMs);
  await Promise.all(chosen.map((server) => startAgain(server)));
}

async function flush(chosen: readonly RedisServer[]): Promise<void> {
  await Promise.all(chosen.map((server) => onServer(server, 'FLUSHALL')));
}

const majorityOf = (servers: readonly RedisServer[]): number => Math.floor(servers.length / 2) + 1;

/**
 * What a majority gets over.
 *
 * @param settleMs how long a node that was restarted takes to have its vote again, and longer
 */
export function minorityFaults(
  servers: readonly RedisServer[],
  { leaseMs, settleMs }: { readonly leaseMs: number; readonly settleMs: number },
): Fault[] {
  const some = (dice: Dice) => dice.some(servers, servers.length - majorityOf(servers));
  return [
    fault('quorum: a minority stopped and continued', 3, (dice) => freeze(some(dice), dice.whole(100, leaseMs * 2))),
    fault('quorum: a minority killed and restarted empty', 2, (dice) => restart(some(dice), dice.whole(0, 2_000))),
    fault('quorum: FLUSHALL on a minority', 1, (dice) => flush(some(dice))),
    fault('quorum: rolling restart, each node in turn', 1, async (dice) => {
      for (const [index, server] of servers.entries()) {
        if (index > 0) await sleep(settleMs);
        await restart([server], dice.whole(0, 500));
      }
    }),
  ];
}

/** What leaves no majority for a while. */
export function majorityFaults(servers: readonly RedisServer[], leaseMs: number): Fault[] {
  const most = (dice: Dice) => dice.some(servers, majorityOf(servers));
  return [
    fault('quorum: a majority stopped and continued', 2, (dice) => freeze(most(dice), dice.whole(100, leaseMs * 2))),
    fault('quorum: a majority killed and restarted empty', 1, (dice) => restart(most(dice), dice.whole(0, 2_000))),
    fault('quorum: FLUSHALL on a majority', 1, (dice) => flush(most(dice))),
    fault('quorum: rolling restart, faster than the restart guard', 1, async (dice) => {
      for (const server of servers) {
        await restart([server], dice.whole(0, 300));
        await sleep(dice.whole(0, leaseMs));
      }
    }),
    fault('quorum: DEBUG SLEEP on all nodes one after another', 2, async (dice) => {
      for (const server of servers) {
        const slept = onServer(server, 'DEBUG', 'SLEEP', dice.whole(5, 60) / 100);
        await sleep(dice.whole(10, 200));
        slept.catch(() => undefined);
      }
      await sleep(700);
    }),
  ];
}
