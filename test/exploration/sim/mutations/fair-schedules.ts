import type { Call, Schedule } from '../schedule.js';
import { schedule, SEEDS, someCall } from './directed-schedule.js';

/** The process of the next waiter is killed. */
export const DEAD_WAITER = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    [someCall(100, 0, { lease: 20_000, section: 900 }), someCall(300, 1, {}), someCall(500, 2, {})],
    [{ at: 700, kind: 'kill', process: 1, ms: 2 }],
  ),
);

/** Two waiters wait for longer than a place lasts, one of them 4 s longer than the other. */
export const LONG_WAITS = SEEDS.slice(0, 3).map((seed) =>
  schedule(
    seed,
    [someCall(100, 0, { lease: 20_000, section: 8_400 }), someCall(200, 1, {}), someCall(4_200, 2, {})],
    [],
  ),
);

/** While a process has the lock for its second caller, another process asks, and then a third caller. */
export const BETWEEN_LOCAL_CALLERS = SEEDS.slice(0, 20).map((seed) =>
  schedule(
    seed,
    [someCall(100, 0, { section: 15, callers: 2 }), someCall(118, 1, { section: 0 }), someCall(124, 0, { section: 0 })],
    [],
  ),
);

/** The next waiter stops waiting after a release that keeps the lock for some more time. */
export const LEFT_WHILE_KEPT = leftWhileKept({});

/** It was the only one, beside an exclusive caller. */
export const LEFT_ALONE_WHILE_KEPT = leftWhileKept({ mode: 'exclusive' });

function leftWhileKept(other: Partial<Call>): Schedule[] {
  return SEEDS.slice(0, 20).map((seed) =>
    schedule(
      seed,
      [
        someCall(100, 0, { section: 20, holdAtLeast: 50 }),
        someCall(104, 1, { wait: 35, lease: 20_000 }),
        someCall(108, 2, { lease: 20_000, ...other }),
      ],
      [],
    ),
  );
}
