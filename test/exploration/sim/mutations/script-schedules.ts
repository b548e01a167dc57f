import { schedule, SEEDS, someCall } from './directed-schedule.js';

/** A request for a shorter lease is in flight when its connection is cut. It may arrive after the lease was made longer. */
export const LATE_SHORTENING = SEEDS.slice(0, 24).map((seed) =>
  schedule(
    seed,
    [
      // The first lease is renewed: the node has the script.
      someCall(20, 0, { section: 150 }),
      someCall(300, 0, { lease: 19_000, section: 3_000, extend: 700, again: 20_000 }),
    ],
    [{ at: 1_790, kind: 'hold', process: 0, node: 0, direction: 'requests', ms: 60, thenCut: true }],
  ),
);

/** As above, but the request is the acquire of a caller that gave up. */
export const LATE_SHORT_ACQUIRE = SEEDS.slice(0, 24).map((seed) =>
  schedule(
    seed,
    [
      someCall(20, 0, { section: 1 }),
      someCall(100, 0, { lease: 700, wait: 30 }),
      someCall(100, 0, { lease: 20_000, section: 3_000 }),
    ],
    [{ at: 99, kind: 'hold', process: 0, node: 0, direction: 'requests', ms: 40, thenCut: true }],
  ),
);

/** A request is in flight when its connection is cut, and may arrive while another caller has the lock. */
export const LATE_PLACE = SEEDS.map((seed) =>
  schedule(
    seed,
    [someCall(20, 1, { section: 0, wait: 0 }), someCall(400, 1, { section: 900, callers: 5 })],
    [{ at: 400, kind: 'hold', process: 1, node: 0, direction: 'requests', ms: 2, thenCut: true }],
  ),
);
