import { schedule, SEEDS, someCall } from './directed-schedule.js';

/** The peer of the connection on which a waiter listens disappears without a FIN. */
export const VANISHED_LISTENER = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    [someCall(100, 0, { section: 9_000 }), someCall(110, 1, {})],
    [{ at: 400, kind: 'vanish', process: 1, node: 0, ms: 2 }],
  ),
);

/** The lock is released while a waiter's connection for notifications is down. */
export const MISSED_NOTICE = schedule(
  1,
  [someCall(100, 0, { lease: 20_000 }), someCall(150, 1, { lease: 20_000 })],
  [{ at: 400, kind: 'cut', process: 1, node: 0, which: 'notices', ms: 350 }],
);

/** A waiter that is already subscribed tries. The reply is held back, and the notification arrives first. */
export const NOTICE_DURING_TRY = SEEDS.slice(0, 20).map((seed) =>
  schedule(
    seed,
    [
      someCall(50, 0, { section: 30 }),
      someCall(52, 1, { section: 1 }),
      someCall(1_000, 0, { lease: 20_000, section: 30 }),
      someCall(1_010, 1, { lease: 20_000 }),
    ],
    [{ at: 1_010.1, kind: 'hold', process: 1, node: 0, direction: 'replies', ms: 40, thenCut: false }],
  ),
);

/** A process lets two others go first, and one of them stops waiting. */
export const LEFT_BY_ANOTHER = [10, 12, 13].map((seed) =>
  schedule(
    seed,
    [
      someCall(100, 0, { lease: 20_000, section: 30 }),
      someCall(110, 1, { lease: 20_000, section: 50 }),
      someCall(111, 2, { lease: 20_000, section: 50, abort: 60 }),
      someCall(131.5, 0, { lease: 20_000, section: 30 }),
      someCall(132, 0, { lease: 20_000, section: 30 }),
    ],
    [],
  ),
);

/** All ask at once, so that the votes may be split. */
export const SPLIT = SEEDS.map((seed) =>
  schedule(
    seed,
    [0, 1, 2].map((process) => someCall(100, process, { lease: 20_000 })),
    [],
  ),
);

/** The lock is released between the reply "busy" and the subscription, on a connection that is already open. */
export const RELEASED_BEFORE_SUBSCRIBED = SEEDS.map((seed) =>
  schedule(
    seed,
    [
      someCall(50, 0, { names: 'b', section: 30 }),
      someCall(52, 1, { names: 'b', section: 1 }),
      someCall(1_300, 0, { lease: 20_000, section: 1 }),
      someCall(1_300.3, 1, { lease: 20_000, section: 1 }),
    ],
    [],
  ),
);

/** A process reads, another waits to write, and then the first one wants to read once more. */
export const WRITER_BETWEEN = schedule(
  1,
  [
    someCall(100, 0, { section: 900, mode: 'read' }),
    someCall(200, 1, { section: 0, mode: 'write' }),
    someCall(500, 0, { section: 30, mode: 'read' }),
  ],
  [],
);
