import { setTimeout as sleep } from 'node:timers/promises';
import { SUBSCRIBES, type TcpProxy } from '../../../support/tcp-proxy.js';
import type { Dice } from './dice.js';
import { served, type Fault } from './fault.js';
import type { WorkerProcess } from './worker-process.js';
import type { Workforce } from './workforce.js';

/** What may happen to the processes that hold locks and wait for them. */
export function workerFaults(workforce: Workforce, leaseMs: number): Fault[] {
  const fault = (
    what: string,
    weight: number,
    happen: (worker: WorkerProcess, dice: Dice) => Promise<void>,
  ): Fault => ({
    ...{ what, weight, losesState: false },
    happen: async (dice) => {
      const worker = dice.one(workforce.running);
      await happen(worker, dice);
    },
  });
  return [
    fault('worker killed', 2, (worker) => workforce.replace(worker)),
    fault('worker stopped and continued', 4, async (worker, dice) => {
      const thaw = worker.freeze();
      await sleep(dice.whole(20, leaseMs * 2));
      thaw();
    }),
    fault("worker's event loop stalled", 3, async (worker, dice) => {
      const ms = dice.whole(20, leaseMs * 1.5);
      worker.stall(ms);
      await sleep(ms);
    }),
    ...served([fault('worker retired and replaced', 1, (worker) => workforce.retire(worker))], 0),
    fault("worker's clock set forward or back", 3, async (worker, dice) => {
      worker.clock?.set(dice.one([-1, 1]) * dice.whole(20, 5_000));
      await sleep(dice.whole(20, 1_500));
      worker.clock?.set(0);
    }),
    fault('connections of a worker cut', 3, async ({ wiring }) => {
      for (const proxy of wiring.proxies) proxy.cut();
    }),
    fault('worker cut off: nobody accepts its connections', 2, async ({ wiring }, dice) => {
      const proxies = reached(wiring.proxies, dice);
      for (const proxy of proxies) proxy.refuse();
      await sleep(dice.whole(50, leaseMs * 1.5));
      for (const proxy of proxies) proxy.accept();
    }),
    fault('replies to a worker delayed', 3, async ({ wiring }, dice) => {
      const proxies = reached(wiring.proxies, dice);
      const ms = dice.whole(5, leaseMs * 0.7);
      for (const proxy of proxies) proxy.delayReplies(ms);
      await sleep(dice.whole(100, 1_500));
      for (const proxy of proxies) proxy.delayReplies(0);
    }),
    fault('peer of connections that listen gone without a FIN', 2, async ({ wiring }, dice) => {
      for (const proxy of reached(wiring.proxies, dice)) proxy.vanish(SUBSCRIBES);
      await sleep(dice.whole(100, 1_500));
    }),
    fault('peer of all connections gone without a FIN', 1, async ({ wiring }, dice) => {
      for (const proxy of reached(wiring.proxies, dice)) proxy.vanish();
      await sleep(dice.whole(100, 1_500));
    }),
    fault('requests delivered after their connection was given up', 2, async ({ wiring }, dice) => {
      const proxies = reached(wiring.proxies, dice);
      for (const proxy of proxies) proxy.strand();
      await sleep(dice.whole(50, leaseMs * 1.5));
      for (const proxy of proxies) proxy.deliverStranded();
    }),
    fault('replies to a worker swallowed', 3, ({ wiring }, dice) => lose('replies', wiring.proxies, dice)),
    fault('requests of a worker swallowed', 2, ({ wiring }, dice) => lose('requests', wiring.proxies, dice)),
    fault('worker held up both ways', 2, async ({ wiring }, dice) => {
      const proxies = reached(wiring.proxies, dice);
      for (const proxy of proxies) proxy.pause();
      await sleep(dice.whole(50, leaseMs * 1.5));
      for (const proxy of proxies) proxy.resume();
    }),
  ];

  async function lose(way: 'requests' | 'replies', all: readonly TcpProxy[], dice: Dice): Promise<void> {
    const proxies = reached(all, dice);
    for (const proxy of proxies) proxy[way] = 'drop';
    await sleep(dice.whole(50, leaseMs * 1.5));
    for (const proxy of proxies) {
      // No connection that has lost some of its bytes ever goes on: TCP would have broken it off.
      proxy.cut();
      proxy[way] = 'pass';
    }
  }

  /** All nodes, or some of several. */
  function reached(proxies: readonly TcpProxy[], dice: Dice): readonly TcpProxy[] {
    return dice.chance(0.4) ? proxies : dice.some(proxies, dice.whole(1, proxies.length));
  }
}
