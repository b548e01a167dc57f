import { setTimeout as sleep } from 'node:timers/promises';
import { RedisCluster } from '../../../support/redis-cluster.js';
import { debugAllowed } from '../../../support/redis-program.js';
import type { Dice } from '../runner/dice.js';
import { served, type Fault } from '../runner/fault.js';
import { harmlessFaults, REPLACED_MS, restartFault, scriptFaults, type Pick } from '../runner/server-faults.js';
import { wayFaults } from '../runner/way-faults.js';
import { startAgain, Ways, wireThrough } from '../runner/ways.js';
import type { Stage, StageSetup } from './stage.js';

/** What makes a server look like one of Redis 6.2, as far as notifications are concerned. */
const OLD = ['SPUBLISH', 'SSUBSCRIBE', 'SUNSUBSCRIBE'].flatMap((command) => ['--rename-command', command, '']);

/** Three masters, each with a replica. */
export const clusterStage = (setup: StageSetup): Promise<Stage> => start('cluster', setup);

/** The same in the middle of an upgrade: some nodes have sharded channels, and others do not. */
export const mixedClusterStage = (setup: StageSetup): Promise<Stage> => start('cluster-mixed', setup);

async function start(topology: 'cluster' | 'cluster-mixed', { names, leaseMs }: StageSetup): Promise<Stage> {
  const cluster = await RedisCluster.start({ settings: debugAllowed() });
  const mixed = topology === 'cluster-mixed';
  if (mixed) {
    const master = await cluster.masterOf(keyOf(names[0]!));
    const [replica] = await cluster.replicasOf(keyOf(names[0]!));
    for (const { server } of [replica!, master]) await startAgain(server, ...OLD);
    await cluster.untilReady();
  }
  const pick = async (dice: Dice) => (await cluster.masterOf(keyOf(dice.one(names)))).server;
  const ways = new Ways(() =>
    wireThrough(cluster.servers, (_, natMap) => ({ cluster: { nodes: cluster.nodes, options: { natMap } } })),
  );
  const waysToMaster = async (dice: Dice) => ways.to(cluster.servers.indexOf(await pick(dice)));
  const faults = [
    ...harmlessFaults(pick).map((fault) => ({ ...fault, losesState: true })),
    restartFault(pick, true),
    ...clusterFaults(cluster, names),
    ...(mixed ? [versionFault(pick)] : []),
    ...scriptFaults(pick),
    ...served(wayFaults(waysToMaster, leaseMs), REPLACED_MS, REPLACED_MS),
  ];
  return {
    topology,
    minReplicas: 0,
    failoverLoses: true,
    faults: faults.map((fault) => ({
      ...fault,
      happen: async (dice) => {
        await fault.happen(dice);
        await cluster.untilReady();
      },
    })),
    wire: ways.wire,
    untilHealthy: () => cluster.untilReady(),
    masters: async () => (await cluster.masters()).map(({ server }) => server),
    stop: () => cluster.stop(),
  };
}

const keyOf = (name: string): string => `lock:${name}`;

function versionFault(pick: Pick): Fault {
  return {
    what: 'cluster node restarted with or without sharded channels',
    weight: 5,
    losesState: true,
    happen: async (dice) => {
      await startAgain(await pick(dice), ...dice.one([OLD, []]));
    },
  };
}

function clusterFaults(cluster: RedisCluster, names: readonly string[]): Fault[] {
  return [
    {
      what: 'failover of a cluster master on request',
      weight: 3,
      losesState: true,
      happen: async (dice) => {
        await cluster.failover(keyOf(dice.one(names)));
      },
    },
    {
      what: 'cluster master killed, its replica elected',
      weight: 3,
      losesState: true,
      happen: async (dice) => {
        const key = keyOf(dice.one(names));
        const old = await cluster.masterOf(key);
        await old.server.kill();
        await cluster.untilNewMaster(key, old);
        await startAgain(old.server);
      },
    },
    {
      what: 'slot moved to another master',
      weight: 4,
      losesState: false,
      happen: async (dice) => {
        const slot = await cluster.slotOf(keyOf(dice.one(names)));
        const from = await cluster.masterOf(slot);
        const others = (await cluster.masters()).filter((node) => node !== from);
        const migration = await cluster.migration(slot, dice.one(others));
        await migration.begin();
        for (let step = 0; step < 3; step += 1) {
          await sleep(dice.whole(0, 400));
          await migration.moveKeys(1);
        }
        await migration.finish();
      },
    },
    {
      what: 'cluster replica killed and restarted',
      weight: 1,
      losesState: false,
      happen: async (dice) => {
        const [replica] = await cluster.replicasOf(keyOf(dice.one(names)));
        await replica!.server.kill();
        await sleep(dice.whole(0, 2_000));
        await startAgain(replica!.server);
      },
    },
  ];
}
