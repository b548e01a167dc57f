import type { SystemName } from '../systems.js';
import { deletesOrNotAlone } from './outlived.js';
import { MissedMoment } from './scenario.js';
import type { Scenario } from './scenario.js';

/** Enough for the check before the delete, on a busy machine. */
const leaseMs = 1_500;
const deletes = (system: SystemName): readonly string[] =>
  ['stage-5', 'stage-5-printed', 'redisson', 'with-lock'].includes(system) ? ['eval', 'evalsha'] : ['del'];

/** The delete of A is held back on its way until the lock has expired and B has it. */
export const lateDelete: Scenario = {
  async play(stage) {
    const [a, b, c] = await Promise.all([stage.caller('A', { leaseMs }), stage.caller('B'), stage.caller('C')]);
    a.call();
    await a.untilInside();
    const names = deletes(stage.system);
    const held = a.gate.hold((request) => names.includes(request.name) && stage.isAboutLock(request));
    a.goOn();
    // The check was too late: the lock had expired by then, and nothing is deleted.
    const missed = a.untilDone().then(() => {
      if (!held.here()) throw new MissedMoment();
    });
    await Promise.race([held.arrived, missed.then(() => held.arrived)]);

    b.call();
    await b.untilInside();
    const existed = await stage.lockExists();
    await held.letGo();
    await a.untilDone();
    if (existed && !(await stage.lockExists())) stage.foreignDeletes += 1;

    c.call();
    await stage.until(() => c.inside !== undefined || c.commands > 1);
    if (stage.foreignDeletes > 0) await c.untilInside();
    if (c.inside !== undefined) await stage.finishAll([c]);
    await b.finish();
    if (c.done === undefined) await stage.finishAll([c]);
  },
  faults: deletesOrNotAlone,
};
