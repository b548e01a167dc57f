import { setTimeout as sleep } from 'node:timers/promises';
import { QuorumNodes } from '../../support/quorum-nodes.js';
import type { RedisServer } from '../../support/redis-node.js';
import { debugAllowed } from '../../support/redis-program.js';
import { waitUntil } from '../../support/wait-until.js';
import type { Dice } from '../runner/dice.js';
import type { Fault } from '../runner/fault.js';
import { forgettingFaults, harmlessFaults, onServer, restartFault, serverClockFault } from '../runner/server-faults.js';
import { startAgain, wireThrough } from '../runner/ways.js';
import type { Stage, StageSetup } from './stage.js';

export const quorum3Stage = (setup: StageSetup): Promise<Stage> => start(3, setup);
export const quorum5Stage = (setup: StageSetup): Promise<Stage> => start(5, setup);

/** Independent nodes of which a majority grants a lock. No fault here excuses two holders. */
async function start(count: number, setup: StageSetup): Promise<Stage> {
  const { serverEnv, setServerClock } = setup;
  const env = (index: number) => serverEnv(`quorum-${index}`);
  const nodes = await QuorumNodes.start(count, { settings: debugAllowed(), env });
  const { servers } = nodes;
  const pick = (dice: Dice) => dice.one(servers);
  // The restart guard sees that a node has restarted, and nothing else. So one and the same node does what it does not
  // see: a majority that remembers is left.
  const forgetful = () => servers[0]!;
  return {
    topology: `quorum${count}`,
    minReplicas: 0,
    faults: [
      ...harmlessFaults(pick),
      restartFault(pick, false),
      ...forgettingFaults(forgetful, false),
      ...(setServerClock === undefined ? [] : [serverClockFault((ms) => setServerClock('quorum-0', ms), false)]),
      ...quorumFaults(servers, setup.leaseMs),
    ],
    wire: () => wireThrough(servers, (proxies) => ({ nodes: proxies.map(({ url }) => url) })),
    untilHealthy: async () => {
      for (const server of servers) {
        await waitUntil('the node answers', () => onServer(server, 'PING').catch(() => undefined));
      }
    },
    masters: async () => servers,
    stop: () => nodes.stop(),
  };
}

function quorumFaults(servers: readonly RedisServer[], leaseMs: number): Fault[] {
  const majority = Math.floor(servers.length / 2) + 1;
  const minority = servers.length - majority;
  const fault = (what: string, weight: number, happen: Fault['happen']): Fault => ({
    ...{ what, weight, happen, losesState: false },
  });
  const freeze = async (count: number, dice: Dice): Promise<void> => {
    const chosen = dice.some(servers, count);
    for (const server of chosen) server.freeze();
    await sleep(dice.whole(100, leaseMs * 2));
    for (const server of chosen) server.thaw();
  };
  const restart = async (chosen: readonly RedisServer[], dice: Dice): Promise<void> => {
    await Promise.all(chosen.map((server) => server.kill()));
    await sleep(dice.whole(0, 2_000));
    await Promise.all(chosen.map((server) => startAgain(server)));
  };
  return [
    fault('quorum: a minority stopped and continued', 3, (dice) => freeze(minority, dice)),
    fault('quorum: a majority stopped and continued', 2, (dice) => freeze(majority, dice)),
    fault('quorum: a minority killed and restarted empty', 2, (dice) => restart(dice.some(servers, minority), dice)),
    fault('quorum: a majority killed and restarted empty', 1, (dice) => restart(dice.some(servers, majority), dice)),
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
