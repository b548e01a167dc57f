import { waitUntil } from '../../../support/wait-until.js';
import type { Dice } from '../runner/dice.js';
import { served } from '../runner/fault.js';
import {
  evictionFault,
  harmlessFaults,
  onServer,
  restartFault,
  scriptFaults,
  serverClockFault,
} from '../runner/server-faults.js';
import { wayFaults } from '../runner/way-faults.js';
import { majorityFaults, minorityFaults } from './quorum-faults.js';
import { QuorumServers } from './quorum-servers.js';
import type { Stage, StageSetup } from './stage.js';

/** A node that forgot has its vote again after the restart guard, whose default is this much longer than the lease, in ms. */
const GUARD_ABOVE_LEASE_MS = 1_000;
/** Until all workers are connected to a node again and have identified it. */
const REJOIN_MS = 2_000;
/** A connection that is silent is noticed in this time. */
const SILENT_MS = 3_000;

export const quorum3Stage = (setup: StageSetup): Promise<Stage> => start(3, setup);
export const quorum5Stage = (setup: StageSetup): Promise<Stage> => start(5, setup);

/** Independent nodes of which a majority grants a lock. No fault here excuses two holders. */
async function start(count: number, setup: StageSetup): Promise<Stage> {
  const { leaseMs } = setup;
  const guardMs = leaseMs + GUARD_ABOVE_LEASE_MS;
  const servers = await QuorumServers.start(count, setup, guardMs);
  const { nodes, ways, setClock } = servers;
  const pick = (dice: Dice) => dice.one(nodes);
  const waysToOne = (dice: Dice) => ways.to(dice.whole(0, count - 1));
  // Locks that end early, by an eviction or by a clock, are not noticed: so it is always the same node that does this, and
  // a majority that keeps them is left. It is never replaced.
  const first = nodes[0]!;
  const clockFaults = setClock === undefined ? [] : [serverClockFault((ms) => setClock(first, ms), false)];
  const settleMs = guardMs + REJOIN_MS;
  return {
    topology: `quorum${count}`,
    minReplicas: 0,
    faults: [
      ...served([...harmlessFaults(pick), ...clockFaults], 0, REJOIN_MS),
      ...scriptFaults(pick),
      ...served([restartFault(pick, false)], 0, settleMs),
      ...served([evictionFault(() => first, false)], 0, settleMs),
      ...served(wayFaults(waysToOne, leaseMs), 0, REJOIN_MS + SILENT_MS),
      ...served(minorityFaults(servers, { leaseMs, guardMs, settleMs }), 0, settleMs),
      ...majorityFaults(servers, leaseMs),
    ],
    wire: servers.wire,
    untilHealthy: async () => {
      for (const server of nodes) {
        await waitUntil('the node answers', () => onServer(server, 'PING').catch(() => undefined));
      }
    },
    masters: async () => nodes,
    stop: () => servers.stop(),
  };
}
