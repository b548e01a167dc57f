import { setTimeout as sleep } from 'node:timers/promises';
import { SUBSCRIBES, type TcpProxy } from '../../../support/tcp-proxy.js';
import type { Dice } from './dice.js';
import type { Fault } from './fault.js';

/** What may happen to the connections of all workers to the same servers. */
export function wayFaults(
  waysTo: (dice: Dice) => readonly TcpProxy[] | Promise<readonly TcpProxy[]>,
  leaseMs: number,
): Fault[] {
  const fault = (
    what: string,
    weight: number,
    happen: (ways: readonly TcpProxy[], dice: Dice) => Promise<void>,
  ): Fault => ({
    ...{ what, weight, losesState: false },
    happen: async (dice) => happen(await waysTo(dice), dice),
  });
  return [
    fault('all connections to a node gone without a FIN', 2, async (ways, dice) => {
      for (const way of ways) way.vanish();
      await sleep(dice.whole(100, 3_000));
    }),
    fault('notification connections to a node gone without a FIN', 2, async (ways, dice) => {
      for (const way of ways) way.vanish(SUBSCRIBES);
      await sleep(dice.whole(100, 3_000));
    }),
    fault('slow node', 3, async (ways, dice) => {
      // Longer than a short timeout, or longer than any.
      const ms = dice.chance(0.5) ? dice.whole(60, 200) : dice.whole(leaseMs / 3, leaseMs);
      for (const way of ways) way.delayReplies(ms);
      await sleep(dice.whole(300, 3_000));
      for (const way of ways) way.delayReplies(0);
      await sleep(ms);
    }),
  ];
}
