import { schedule, SEEDS, someCall } from './directed-schedule.js';

export const LOST_RELEASE = schedule(
  1,
  [someCall(100, 0, { lease: 20_000, section: 30 })],
  [{ at: 120, kind: 'hold', process: 0, node: 0, direction: 'requests', ms: 40, thenCut: true }],
);

/** An acquire is in flight when its connection is cut and its caller gives up. The network may deliver it later. */
export const KEPT_ACQUIRE = SEEDS.slice(0, 16).map((seed) =>
  schedule(
    seed,
    // The first call sends the scripts to the nodes.
    [someCall(20, 0, { section: 1 }), someCall(100, 0, { lease: 20_000, wait: 30, section: 5 })],
    [{ at: 99, kind: 'hold', process: 0, node: 0, direction: 'requests', ms: 40, thenCut: true }],
  ),
);

/** Replies take longer than the request timeout. */
export const SLOW_LINK = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    [someCall(20, 0, { section: 1 }), someCall(100, 0, { lease: 20_000, section: 5 })],
    [{ at: 99, kind: 'hold', process: 0, node: 0, direction: 'replies', ms: 350, thenCut: false }],
  ),
);

/** A majority stops for longer than a lease, then runs the requests that it had received. */
export const PAUSED_MAJORITY = SEEDS.slice(0, 12).map((seed) =>
  schedule(
    seed,
    [someCall(20, 0, { section: 1 }), someCall(100, 0, { lease: 20_000, wait: 30 })],
    [1, 2].map((node) => ({ at: 99, kind: 'stall', node, ms: 24_000 })),
  ),
);
