import { schedule, someCall, standstill } from './directed-schedule.js';

/** A first request is in flight at about these times, in ms: delays are random. */
const ON_THE_WAY = [100.4, 100.7, 101, 101.3];

/** A process stops for longer than the lease while its grant is in flight. */
export const LATE_GRANT = ON_THE_WAY.map((at) =>
  schedule(5, [someCall(100, 0, { lease: 60, section: 5 })], [standstill(at, 120, false)]),
);

/** As above, but for less than the lease, which ends earlier than if it counted from the reply. */
export const SLOW_GRANT = ON_THE_WAY.flatMap((at) =>
  [1, 5].map((seed) =>
    schedule(seed, [someCall(100, 0, { lease: 200 }), someCall(250, 1, {})], [standstill(at, 120, false)]),
  ),
);

export const SLEEPING_HOLDER = schedule(
  1,
  [someCall(100, 0, { lease: 700 }), someCall(150, 1, {})],
  [standstill(200, 350, true)],
);

export const ISOLATED_HOLDER = schedule(
  1,
  [someCall(100, 0, {}), someCall(110, 1, {})],
  [{ at: 120, kind: 'isolate', process: 0, spared: null, ms: 900 }],
);

export const NEARLY_ISOLATED_HOLDER = schedule(1, ISOLATED_HOLDER.calls, [
  { at: 120, kind: 'isolate', process: 0, spared: 0, ms: 900 },
]);
