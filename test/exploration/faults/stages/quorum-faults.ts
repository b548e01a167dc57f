import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../../support/redis-node.js';
import type { Dice } from '../runner/dice.js';
import type { Fault } from '../runner/fault.js';
import { onServer } from '../runner/server-faults.js';
import { startAgain } from '../runner/ways.js';
import type { QuorumServers } from './quorum-servers.js';

const HOUR_MS = 3_600_000;

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

const majorityOf = ({ nodes }: QuorumServers): number => Math.floor(nodes.length / 2) + 1;

/** Places of nodes that may be replaced: not the first one, whose clock is set at times. */
function places({ nodes }: QuorumServers, count: number, dice: Dice): number[] {
  return dice.some([...nodes.keys()].slice(1), count);
}

export interface QuorumTimes {
  readonly leaseMs: number;
  /** How long a node that forgot has no vote, in ms. */
  readonly guardMs: number;
  /** After this time it certainly has one, in ms. */
  readonly settleMs: number;
}

/** What a majority gets over. */
export function minorityFaults(servers: QuorumServers, { leaseMs, guardMs, settleMs }: QuorumTimes): Fault[] {
  const { nodes, setClock } = servers;
  const minority = nodes.length - majorityOf(servers);
  const some = (dice: Dice) => dice.some(nodes, minority);
  const faults = [
    fault('quorum: a minority stopped and continued', 3, (dice) => freeze(some(dice), dice.whole(100, leaseMs * 2))),
    fault('quorum: a minority killed and restarted empty', 2, (dice) => restart(some(dice), dice.whole(0, 2_000))),
    fault('quorum: FLUSHALL on a minority', 1, (dice) => flush(some(dice))),
    fault('quorum: a minority replaced by empty servers', 3, (dice) =>
      servers.replace(places(servers, minority, dice)),
    ),
    fault('quorum: rolling restart, each node in turn', 1, async (dice) => {
      for (const index of nodes.keys()) {
        if (index > 0) await sleep(settleMs);
        await restart([nodes[index]!], dice.whole(0, 500));
      }
    }),
  ];
  if (setClock === undefined) return faults;
  return [
    ...faults,
    fault('quorum: a node restarted empty, and its clock set while it has no vote', 2, async (dice) => {
      const server = dice.one(nodes);
      await restart([server], 0);
      await sleep(dice.whole(50, 400));
      setClock(server, dice.one([-1, 1]) * HOUR_MS);
      await sleep(guardMs * 0.6);
      await server.kill();
      setClock(server, 0);
      await startAgain(server);
    }),
  ];
}

/** What leaves no majority for a while. */
export function majorityFaults(servers: QuorumServers, leaseMs: number): Fault[] {
  const { nodes } = servers;
  const majority = majorityOf(servers);
  const most = (dice: Dice) => dice.some(nodes, majority);
  return [
    fault('quorum: a majority stopped and continued', 2, (dice) => freeze(most(dice), dice.whole(100, leaseMs * 2))),
    fault('quorum: a majority killed and restarted empty', 1, (dice) => restart(most(dice), dice.whole(0, 2_000))),
    fault('quorum: a majority replaced by empty servers', 2, (dice) =>
      servers.replace(places(servers, majority, dice)),
    ),
    fault('quorum: FLUSHALL on a majority', 2, (dice) => flush(most(dice))),
    fault('quorum: rolling restart, faster than the restart guard', 1, async (dice) => {
      for (const index of nodes.keys()) {
        await restart([nodes[index]!], dice.whole(0, 300));
        await sleep(dice.whole(0, leaseMs));
      }
    }),
    fault('quorum: DEBUG SLEEP on all nodes one after another', 2, async (dice) => {
      for (const server of nodes) {
        const slept = onServer(server, 'DEBUG', 'SLEEP', dice.whole(5, 60) / 100);
        await sleep(dice.whole(10, 200));
        slept.catch(() => undefined);
      }
      await sleep(700);
    }),
  ];
}
