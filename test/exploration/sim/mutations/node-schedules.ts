import type { Fault } from '../schedule.js';
import { schedule, someCall } from './directed-schedule.js';

export const POWER_CUT = schedule(
  1,
  [someCall(100, 0, { lease: 20_000 }), someCall(150, 1, { lease: 20_000 })],
  [{ at: 120, kind: 'power-cut', ms: 10 }],
);

/** A holder has votes for 20 s, and another process asks for votes. The nodes forget the first ones in different ways. */
const FORGOTTEN_CALLS = [someCall(100, 0, { lease: 20_000, section: 19_000 }), someCall(150, 1, { lease: 20_000 })];

/** A process whose clock is set forward takes a lock; the nodes lose all tokens, and another process takes it. */
export const FAST_CLOCK = schedule(
  1,
  [someCall(100, 0, { section: 30 }), someCall(500, 1, {})],
  [
    { at: 50, kind: 'wall-step', process: 0, ms: 2, by: 3_600_000 },
    { at: 400, kind: 'power-cut', ms: 10 },
  ],
);

/** The state is lost under open connections. */
export const FLUSHED_NODES = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    FORGOTTEN_CALLS,
    [0, 1, 2, 3].map((node) => ({ at: 400, kind: 'flush', node: Math.min(node, 2), ms: 2 })),
  ),
);

/** Another server with the marker, but without the last writes, answers under each name. */
export const FAILED_OVER = [1, 2, 3].flatMap((seed) =>
  [3, 5].map((nodes) =>
    schedule(
      seed,
      FORGOTTEN_CALLS,
      Array.from({ length: Math.ceil(nodes / 2) }, (_, node) => ({ at: 90, kind: 'failover', node, ms: 2, lag: 100 })),
    ),
  ),
);

/** Nodes are replaced, and their clocks set forward while their markers are young; then a process connects again. */
export const CLOCK_SET_FORWARD = [1, 2, 3].map((seed) =>
  schedule(seed, FORGOTTEN_CALLS, [
    ...[0, 1, 2].map((node): Fault => ({ at: 400, kind: 'set-clock', node, ms: 900, ahead: 15_000 })),
    ...[0, 1, 2].map((node): Fault => ({ at: 1_500, kind: 'cut', process: 1, node, which: 'commands', ms: 2 })),
  ]),
);

/** No caller asks for a vote in the guard period after the state is lost. */
export const UNNOTICED_FLUSH = schedule(
  1,
  [someCall(100, 0, { section: 5 }), someCall(100, 1, { late: true, section: 5 })],
  [0, 1, 2].map((node) => ({ at: 400, kind: 'flush', node, ms: 2 })),
);

/** A process connects again while the server denies INFO. */
export const DENIED_INFO = schedule(
  1,
  [someCall(20, 1, { section: 1 })],
  [
    { at: 90, kind: 'deny-info', node: 0, ms: 350 },
    { at: 100, kind: 'cut', process: 1, node: 0, which: 'commands', ms: 2 },
  ],
);

/** Node 1 has no vote for the holder. Another process reaches that node under two names. */
export const TWO_NAMES = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    [someCall(400, 0, { lease: 20_000, section: 900 }), someCall(500, 1, { lease: 20_000 })],
    [
      { at: 60, kind: 'refuse', process: 0, node: 1, ms: 900 },
      { at: 60, kind: 'rename', process: 1, node: 2, to: 1, ms: 900 },
    ],
  ),
);
