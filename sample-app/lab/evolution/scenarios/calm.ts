import { notAlone } from './scenario.js';
import type { Scenario } from './scenario.js';

const names = ['A', 'B', 'C', 'D'];

/** No caller continues before all have requested the lock, so that all callers that can be inside at once are. */
export const calm: Scenario = {
  async play(stage) {
    const callers = await Promise.all(names.map((name) => stage.caller(name)));
    for (const caller of callers) caller.call();
    const someoneIsInside = (): boolean => callers.some(({ inside }) => inside !== undefined);
    await stage.until(
      () => someoneIsInside() && callers.every(({ inside, commands }) => inside !== undefined || commands > 0),
    );
    await stage.finishAll(callers);
  },
  faults: notAlone,
};
