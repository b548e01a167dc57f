import type { CellCounts } from '../evolution-table.js';
import type { Scenario } from './scenario.js';

const leaseMs = 600;

/** A is stopped until B has had the lock and has written, and then writes. */
export const staleWrite: Scenario = {
  async play(stage) {
    const [a, b] = await Promise.all([stage.caller('A', { leaseMs }), stage.caller('B')]);
    a.call();
    await a.untilInside();
    a.stop();
    const since = performance.now();
    b.call();
    await b.untilInside();
    stage.waitMs = b.insideAt - since;
    await b.finish({ write: true });
    a.resume();
    await a.finish({ write: true });
    if (a.done === undefined || a.done.write === null) throw new Error('A did not write.');
    stage.toldLost = a.done.told;
    const writes = await stage.witness.writes();
    stage.staleWrites = writes.slice(writes.indexOf('B')).filter((writer) => writer === 'A').length;
  },
  faults: (counts: CellCounts) => (counts.staleWrites > 0 ? ['stale write'] : []),
};
