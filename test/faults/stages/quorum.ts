import { QuorumNodes } from '../../support/quorum-nodes.js';
import { debugAllowed } from '../../support/redis-program.js';
import { waitUntil } from '../../support/wait-until.js';
import type { Dice } from '../runner/dice.js';
import { served } from '../runner/fault.js';
import {
  forgettingFaults,
  harmlessFaults,
  onServer,
  restartFault,
  scriptFaults,
  serverClockFault,
} from '../runner/server-faults.js';
import { wayFaults } from '../runner/way-faults.js';
import { Ways, wireThrough } from '../runner/ways.js';
import { majorityFaults, minorityFaults } from './quorum-faults.js';
import type { Stage, StageSetup } from './stage.js';

/** A node that forgot has its vote again after the restart guard, whose default is this much longer than the lease, in ms. */
const GUARD_ABOVE_LEASE_MS = 1_000;
/** Until all workers are connected to a node again, and have noticed that its marker is a new one. */
const REJOIN_MS = 2_000;

export const quorum3Stage = (setup: StageSetup): Promise<Stage> => start(3, setup);
export const quorum5Stage = (setup: StageSetup): Promise<Stage> => start(5, setup);

/** Independent nodes of which a majority grants a lock. No fault here excuses two holders. */
async function start(count: number, setup: StageSetup): Promise<Stage> {
  const { serverEnv, setServerClock, leaseMs } = setup;
  const env = (index: number) => serverEnv(`quorum-${index}`);
  const nodes = await QuorumNodes.start(count, { settings: debugAllowed(), env });
  const { servers } = nodes;
  const ways = new Ways(() => wireThrough(servers, (proxies) => ({ nodes: proxies.map(({ url }) => url) })));
  const pick = (dice: Dice) => dice.one(servers);
  const waysToOne = (dice: Dice) => ways.to(dice.whole(0, count - 1));
  // The restart guard does not notice locks that are evicted one by one, or that a wrong clock ends early. So these faults
  // always happen to the same node: a majority that keeps its locks is left.
  const forgetful = () => servers[0]!;
  const settleMs = leaseMs + GUARD_ABOVE_LEASE_MS + REJOIN_MS;
  const clockFaults =
    setServerClock === undefined ? [] : [serverClockFault((ms) => setServerClock('quorum-0', ms), false)];
  return {
    topology: `quorum${count}`,
    minReplicas: 0,
    faults: [
      ...served([...harmlessFaults(pick), ...clockFaults], 0, REJOIN_MS),
      ...scriptFaults(pick),
      ...served([restartFault(pick, false), ...forgettingFaults(forgetful, false)], 0, settleMs),
      // A connection that is silent is noticed in this time.
      ...served(wayFaults(waysToOne, leaseMs), 0, REJOIN_MS + 3_000),
      ...served(minorityFaults(servers, { leaseMs, settleMs }), 0, settleMs),
      ...majorityFaults(servers, leaseMs),
    ],
    wire: ways.wire,
    untilHealthy: async () => {
      for (const server of servers) {
        await waitUntil('the node answers', () => onServer(server, 'PING').catch(() => undefined));
      }
    },
    masters: async () => servers,
    stop: () => nodes.stop(),
  };
}
