import { notAlone } from './scenario.js';
import type { Scenario } from './scenario.js';

const leaseMs = 400;

/** B and C both see that the time of A is over, and both write only when both have seen it. */
export const plainSet: Scenario = {
  async play(stage) {
    const [a, b, c] = await Promise.all([stage.caller('A', { leaseMs }), stage.caller('B'), stage.caller('C')]);
    a.call();
    await a.untilInside();
    await a.kill();

    const overwrite = stage.system === 'lock-2013' ? 'getset' : 'set';
    const held = [b, c].map((caller) => caller.gate.hold(({ name }) => name === overwrite));
    b.call();
    c.call();
    await stage.until(() => held.every((command) => command.here()));
    await Promise.all(held.map((command) => command.letGo()));
    const settled = ({ inside, commands }: typeof b, before: number): boolean =>
      inside !== undefined || commands > before;
    const before = [b.commands, c.commands] as const;
    await stage.until(() => settled(b, before[0]) && settled(c, before[1]));
    await stage.finishAll([b, c]);
  },
  faults: notAlone,
};
