import fc from 'fast-check';
import { LONGEST_LEASE_MS, minorityOf, PROCESSES, type Call, type Fault, type Schedule } from './schedule.js';

/** Contenders of all processes at the same moments, while some nodes are away or slow all the time. */
export function schedulesWithNodesAway(nodes: number): fc.Arbitrary<Schedule> {
  const contender = fc.record({
    after: fc.constantFrom(0, 0, 0.1, 0.3, 0.7, 1, 2),
    section: fc.constantFrom(0, 5, 30),
  });
  const round = fc.record({
    waits: fc.boolean(),
    contenders: fc.array(contender, { minLength: PROCESSES, maxLength: PROCESSES }),
  });
  const harm = fc.record({
    kind: fc.constantFrom<('crash' | 'stall' | 'slow')[]>('crash', 'crash', 'stall', 'slow'),
    keep: fc.boolean(),
    extra: fc.constantFrom(90, 250),
  });
  const harms = fc.array(harm, { minLength: 1, maxLength: minorityOf(nodes) });
  return fc
    .record({ seed: fc.nat(), rounds: fc.array(round, { minLength: 1, maxLength: 5 }), harms })
    .map(({ seed, rounds, harms: chosen }): Schedule => ({
      seed,
      client: 'own',
      calls: rounds.flatMap(({ waits, contenders }, turn) =>
        contenders.map(({ after, section }, owner) => contend(owner, 400 + turn * APART_MS + after, waits, section)),
      ),
      faults: chosen.map(({ kind, keep, extra }, node): Fault => {
        const when = { at: 100, node, ms: 400 + rounds.length * APART_MS };
        if (kind === 'crash') return { ...when, kind, keep };
        return kind === 'stall' ? { ...when, kind } : { ...when, kind, extra };
      }),
    }));
}

/** From one group of contenders to the next, in ms. */
const APART_MS = 1_500;

/** With a wait all get the lock, one after another; without one, one of them does and keeps it until the others have tried. */
function contend(process: number, at: number, waits: boolean, section: number): Call {
  return {
    ...{ at, process, names: 'a', callers: 1, late: false, nested: false },
    // A waiter that is not woken would sleep until a short lease is over.
    ...{ wait: waits ? 'ever' : 0, lease: waits ? LONGEST_LEASE_MS : 'renew', section: waits ? section : 450 },
    ...{ abort: null, extend: null, again: null, holdAtLeast: 0 },
  };
}
