import type { Scenario } from './scenario.js';
import type { Stage } from './stage/stage.js';
import type { CellCounts } from '../evolution-table.js';

const leaseMs = 600;

/** The holder is killed while it is inside. */
export const crash: Scenario = {
  async play(stage) {
    const [dead, next] = await Promise.all([stage.caller('A', { leaseMs }), stage.caller('B')]);
    dead.call();
    await dead.untilInside();
    await dead.kill();
    await comesNext(stage, next);
  },
  faults: deadlock,
};

/** A caller is killed when its first command has reached Redis, and before the answer has reached it. */
export const crashTaking: Scenario = {
  async play(stage) {
    const [dead, next] = await Promise.all([stage.caller('A', { leaseMs }), stage.caller('B')]);
    dead.gate.deafen();
    dead.call();
    await stage.until(() => stage.lockExists());
    await dead.kill();
    await comesNext(stage, next);
  },
  faults: deadlock,
};

async function comesNext(stage: Stage, next: Awaited<ReturnType<Stage['caller']>>): Promise<void> {
  const since = performance.now();
  next.call();
  if (await stage.getsIn(next, since, leaseMs)) {
    stage.waitMs = next.insideAt - since;
    await next.finish();
  } else stage.deadlock = true;
}

function deadlock(counts: CellCounts): string[] {
  return counts.deadlock ? ['deadlock'] : [];
}
