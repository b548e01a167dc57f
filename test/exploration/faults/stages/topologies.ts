import type { SteppedClock, SteppedClocks } from '../clock/stepped-clock.js';
import { clusterStage, mixedClusterStage } from './cluster.js';
import { quorum3Stage, quorum5Stage } from './quorum.js';
import { replicatedStage } from './replicated.js';
import { sentinelMinReplicasStage, sentinelStage } from './sentinel.js';
import { singleStage } from './single.js';
import type { Stage, StageSetup } from './stage.js';

const STAGES = {
  single: singleStage,
  replicated: replicatedStage,
  sentinel: sentinelStage,
  'sentinel-min-replicas': sentinelMinReplicasStage,
  cluster: clusterStage,
  'cluster-mixed': mixedClusterStage,
  quorum3: quorum3Stage,
  quorum5: quorum5Stage,
} satisfies Record<string, (setup: StageSetup) => Promise<Stage>>;

export type Topology = keyof typeof STAGES;

export const TOPOLOGIES = Object.keys(STAGES) as readonly Topology[];

export const isQuorum = (topology: Topology): boolean => topology.startsWith('quorum');

/** Starts the servers of a topology for a run of `lib`. */
export function startStage(
  topology: Topology,
  { leaseMs, names }: Pick<StageSetup, 'leaseMs' | 'names'>,
  clocks: SteppedClocks | undefined,
): Promise<Stage> {
  const made = new Map<string, SteppedClock>();
  return STAGES[topology]({
    leaseMs,
    names,
    serverEnv: (name) => {
      if (clocks === undefined) return {};
      const clock = clocks.make(`server-${name}`);
      made.set(name, clock);
      return clock.env;
    },
    setServerClock: clocks === undefined ? undefined : (name, ms) => made.get(name)!.set(ms),
  });
}
