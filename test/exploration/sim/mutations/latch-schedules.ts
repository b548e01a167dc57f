import { schedule, SEEDS, someCall } from './directed-schedule.js';

/** The latch opens while a waiter's connection for notifications is down. */
export const OPEN_UNNOTICED = schedule(
  1,
  [someCall(100, 0, { latch: 1 }), someCall(150, 1, { latch: 'wait' }), someCall(550, 0, { latch: 'down' })],
  [{ at: 400, kind: 'cut', process: 1, node: 0, which: 'notices', ms: 350 }],
);

/** The reply that the latch is open is held back. Meanwhile it is set, and another caller of the process comes. */
export const LATE_OPEN = SEEDS.slice(0, 20).map((seed) =>
  schedule(
    seed,
    [
      someCall(100, 2, { latch: 'down' }),
      someCall(200, 1, { latch: 'wait' }),
      someCall(210, 0, { latch: 2 }),
      someCall(220, 1, { latch: 'wait' }),
    ],
    [{ at: 200, kind: 'hold', process: 1, node: 0, direction: 'replies', ms: 40, thenCut: false }],
  ),
);

/** A latch opens between the reply that it is closed and the subscription, on a connection that is already open. */
export const OPEN_BEFORE_SUBSCRIBED = SEEDS.map((seed) =>
  schedule(
    seed,
    [
      someCall(50, 0, { names: 'b', latch: 1 }),
      someCall(52, 1, { names: 'b', latch: 'wait' }),
      someCall(80, 0, { names: 'b', latch: 'down' }),
      someCall(1_290, 0, { latch: 1 }),
      someCall(1_300, 1, { latch: 'wait' }),
      someCall(1_300.7, 0, { latch: 'down' }),
    ],
    [],
  ),
);
