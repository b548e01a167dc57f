import type { CellCounts } from '../evolution-table.js';
import type { SystemName } from '../systems.js';
import { notAlone } from './scenario.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage/stage.js';

/** Short where the lock ends by itself; long enough for renewals on a busy machine where it is renewed. */
const leaseMs = (system: SystemName): number => (system === 'redisson' || system === 'with-lock' ? 1_500 : 400);

/** A works until the scenario ends its work, B waits. Resolves with whether B entered while A was inside. */
async function outlivesItsLock(stage: Stage) {
  const lease = leaseMs(stage.system);
  const [a, b] = await Promise.all([stage.caller('A', { leaseMs: lease }), stage.caller('B')]);
  a.call();
  await a.untilInside();
  b.call();
  return { a, b, bIsInside: await stage.getsIn(b, performance.now(), lease) };
}

export const longWork: Scenario = {
  async play(stage) {
    const { a, b, bIsInside } = await outlivesItsLock(stage);
    await stage.finishAll(bIsInside ? [b] : [a, b]);
    if (bIsInside) await a.finish();
  },
  faults: notAlone,
};

/** A leaves while B is inside, and B while C is: checks whether a release deletes the lock of another caller. */
export const slowRebuild: Scenario = {
  async play(stage) {
    const { a, b, bIsInside } = await outlivesItsLock(stage);
    const c = await stage.caller('C');
    await (bIsInside ? stage.finishBeside(a) : a.finish());
    await b.untilInside();
    c.call();
    await stage.until(() => c.inside !== undefined || c.commands > 1);
    // The lock of B was deleted: C gets in.
    if (stage.foreignDeletes > 0 || !(await stage.lockExists())) await c.untilInside();
    await (c.inside === undefined ? b.finish() : stage.finishBeside(b));
    await c.untilInside();
    await c.finish();
  },
  faults: deletesOrNotAlone,
};

export function deletesOrNotAlone(counts: CellCounts): string[] {
  return [...(counts.foreignDeletes > 0 ? ["deletes another's"] : []), ...notAlone(counts)];
}
