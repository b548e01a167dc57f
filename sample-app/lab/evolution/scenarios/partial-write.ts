import { notAlone } from './scenario.js';
import type { Scenario } from './scenario.js';

/** Renewed where the system renews. A node that is used for the first time has no vote for a little longer than this. */
const leaseMs = 2_000;

/** Three nodes. A is cut off from two of them, B from the third. */
export const partialWrite: Scenario = {
  ownServers: true,
  async play(stage) {
    const nodes = await stage.servers.independent();
    const [a, b] = await Promise.all([stage.caller('A', { nodes, leaseMs }), stage.caller('B', { nodes, leaseMs })]);
    a.gates.slice(1).forEach((gate) => gate.refuse());
    b.gate.refuse();
    a.call();
    await stage.until(() => a.inside !== undefined || a.commands > 0);
    b.call();
    await b.untilInside();
    // A has got in, too, or it has tried again in vain while B is inside.
    const before = a.commands;
    await stage.until(() => a.inside !== undefined || a.commands > before);
    for (const gate of [...a.gates, ...b.gates]) gate.accept();
    await b.finish();
    await stage.finishAll([a]);
  },
  faults: notAlone,
};
