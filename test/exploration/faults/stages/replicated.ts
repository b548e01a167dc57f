import { setTimeout as sleep } from 'node:timers/promises';
import { debugAllowed } from '../../../support/redis-program.js';
import { ReplicatedRedis } from '../../../support/replicated-redis.js';
import type { Fault } from '../runner/fault.js';
import { forgettingFaults, harmlessFaults, REPLACED_MS, restartFault, scriptFaults } from '../runner/server-faults.js';
import { served } from '../runner/fault.js';
import { wayFaults } from '../runner/way-faults.js';
import { startAgain, Ways, wireThrough } from '../runner/ways.js';
import type { Stage, StageSetup } from './stage.js';

/** A master with two replicas of which one has to acknowledge each lock; nobody takes over for the master. */
export async function replicatedStage({ leaseMs }: StageSetup): Promise<Stage> {
  const redis = await ReplicatedRedis.start(2, ...debugAllowed());
  const pick = () => redis.master;
  const ways = new Ways(() => wireThrough([redis.master], ([proxy]) => ({ url: proxy!.url })));
  return {
    topology: 'replicated',
    minReplicas: 1,
    faults: [
      ...harmlessFaults(pick),
      ...scriptFaults(pick),
      ...served(
        wayFaults(() => ways.to(0), leaseMs),
        REPLACED_MS,
        REPLACED_MS,
      ),
      ...forgettingFaults(pick, true),
      restartFault(pick, true),
      ...replicaFaults(redis),
    ],
    wire: ways.wire,
    untilHealthy: () => redis.untilInSync(),
    masters: async () => [redis.master],
    stop: () => redis.stop(),
  };
}

function replicaFaults(redis: ReplicatedRedis): Fault[] {
  return [
    {
      what: 'replicas stopped and continued',
      weight: 4,
      losesState: false,
      happen: async (dice) => {
        const replicas = dice.some(redis.replicas, dice.whole(1, 2));
        for (const replica of replicas) replica.freeze();
        await sleep(dice.whole(50, 2_000));
        for (const replica of replicas) replica.thaw();
      },
    },
    {
      what: 'replica killed and restarted',
      weight: 2,
      losesState: false,
      happen: async (dice) => {
        const replica = dice.one(redis.replicas);
        await replica.kill();
        await sleep(dice.whole(0, 1_000));
        await startAgain(replica);
      },
    },
  ];
}
