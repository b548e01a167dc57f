import { setTimeout as sleep } from 'node:timers/promises';
import { debugAllowed } from '../../../support/redis-program.js';
import { SentinelSet } from '../../../support/sentinel-set.js';
import { served, type Fault } from '../runner/fault.js';
import { harmlessFaults, onServer, REPLACED_MS, restartFault, scriptFaults } from '../runner/server-faults.js';
import { wayFaults } from '../runner/way-faults.js';
import { Ways, wireThrough } from '../runner/ways.js';
import type { Dice } from '../runner/dice.js';
import type { Stage, StageSetup } from './stage.js';

const REPLICAS = 2;

/** Three sentinels over a master and two replicas; a failover may lose what was not replicated. */
export const sentinelStage = (setup: StageSetup): Promise<Stage> => start('sentinel', 0, setup);

/** The same, and every lock is acknowledged by all replicas: no failover loses one. */
export const sentinelMinReplicasStage = (setup: StageSetup): Promise<Stage> =>
  start('sentinel-min-replicas', REPLICAS, setup);

async function start(topology: string, minReplicas: number, { leaseMs }: StageSetup): Promise<Stage> {
  const set = await SentinelSet.start({ replicas: REPLICAS, failoverTimeoutMs: 1_000, settings: debugAllowed() });
  // A master that is silent for a while is replaced, and with it goes what was not replicated.
  const failoverLoses = minReplicas < REPLICAS;
  const pick = () => set.master();
  const ways = new Ways(() =>
    wireThrough(set.servers, (_, natMap) => ({ redis: { sentinels: set.sentinels, name: set.name, natMap } })),
  );
  const waysToOne = (dice: Dice) => ways.to(dice.whole(0, set.servers.length - 1));
  const faults = [
    ...harmlessFaults(pick).map((fault) => ({ ...fault, losesState: failoverLoses })),
    restartFault(pick, true),
    ...failovers(set, failoverLoses),
    ...served(sentinelFaults(set), 0, 500),
    ...scriptFaults(pick),
    ...served(wayFaults(waysToOne, leaseMs), REPLACED_MS, REPLACED_MS),
  ];
  return {
    topology,
    minReplicas,
    failoverLoses,
    // Not over before all nodes are in their places again: what a failover has lost may show until then.
    faults: faults.map((fault) => ({
      ...fault,
      happen: async (dice) => {
        await fault.happen(dice);
        await set.untilReady();
      },
    })),
    wire: ways.wire,
    untilHealthy: () => set.untilReady(),
    masters: async () => [await set.master()],
    stop: () => set.stop(),
  };
}

function failovers(set: SentinelSet, losesState: boolean): Fault[] {
  return [
    {
      what: 'failover on request',
      weight: 3,
      losesState,
      happen: async () => {
        await set.failover();
      },
    },
    {
      what: 'master killed with writes not replicated',
      weight: 4,
      losesState,
      happen: async (dice) => {
        const master = await set.master();
        const replicas = await set.replicas();
        // Shorter than the time after which sentinels take them for dead. Without the connections nothing reaches even
        // the buffers that a stopped process finds when it goes on.
        for (const replica of replicas) replica.freeze();
        await onServer(master, 'CLIENT', 'KILL', 'TYPE', 'replica');
        await sleep(dice.whole(50, 300));
        await master.kill();
        for (const replica of replicas) replica.thaw();
        await set.untilNewMaster(master);
        await set.bringBack(master);
      },
    },
    {
      what: 'master stopped, replaced, and continued',
      weight: 3,
      losesState,
      happen: async () => {
        const master = await set.master();
        master.freeze();
        await set.untilNewMaster(master).finally(() => master.thaw());
      },
    },
    {
      what: 'replica stopped and continued',
      weight: 2,
      losesState: false,
      happen: async (dice) => {
        const replica = dice.one(await set.replicas());
        replica.freeze();
        await sleep(dice.whole(50, 1_500));
        replica.thaw();
      },
    },
  ];
}

function sentinelFaults(set: SentinelSet): Fault[] {
  return [
    {
      what: 'sentinel killed and restarted',
      weight: 1,
      losesState: false,
      happen: async (dice) => {
        const sentinel = dice.one(set.processes);
        await sentinel.kill();
        await sleep(dice.whole(0, 2_000));
        await sentinel.restart();
      },
    },
    {
      what: 'sentinel stopped and continued',
      weight: 1,
      losesState: false,
      happen: async (dice) => {
        const sentinel = dice.one(set.processes);
        sentinel.freeze();
        await sleep(dice.whole(100, 3_000));
        sentinel.thaw();
      },
    },
  ];
}
