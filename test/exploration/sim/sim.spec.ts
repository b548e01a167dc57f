import { describe, expect, it } from '@jest/globals';
import { simulate } from './simulate.js';

/** Schedules for each number of nodes. The long runs are made by hand: see README.md beside this file. */
const RUNS = process.env.SIM_RUNS ?? '150';
/** 0: the memory store. */
const NODE_COUNTS = [0, 1, 3, 5];

describe('the library on simulated nodes, with seeded faults', () => {
  it.each(NODE_COUNTS)(
    'keeps all its promises on %i node(s)',
    async (nodes) => {
      const report = await simulate('--nodes', String(nodes), '--runs', RUNS, '--seed', '3');
      expect(report).toContain('0 violations');
      // Where nobody gets a lock, no promise is broken.
      expect(Number(/"sections":(\d+)/.exec(report)?.[1])).toBeGreaterThan(Number(RUNS));
    },
    250_000,
  );

  it.each([1, 3])(
    'keeps its promises with a semaphore of %i in place of each lock',
    async (permits) => {
      const report = await simulate('--permits', String(permits), '--runs', RUNS, '--seed', '3');
      expect(report.match(/0 violations/g)).toHaveLength(2);
      expect(Number(/"sections":(\d+)/.exec(report)?.[1])).toBeGreaterThan(Number(RUNS));
    },
    250_000,
  );

  it.each(['write', 'read-write'])(
    'keeps its promises with a read-write lock in place of each lock, for callers that %s',
    async (kind) => {
      const report = await simulate('--kind', kind, '--runs', RUNS, '--seed', '3');
      expect(report.match(/0 violations/g)).toHaveLength(2);
      expect(Number(/"sections":(\d+)/.exec(report)?.[1])).toBeGreaterThan(Number(RUNS));
    },
    250_000,
  );

  it('keeps its promises with a fair lock in place of each lock', async () => {
    const report = await simulate('--kind', 'fair', '--runs', RUNS, '--seed', '3');
    expect(report.match(/0 violations/g)).toHaveLength(2);
    expect(Number(/"sections":(\d+)/.exec(report)?.[1])).toBeGreaterThan(Number(RUNS));
  }, 250_000);

  it('keeps its promises with a latch in place of each lock', async () => {
    const report = await simulate('--kind', 'latch', '--runs', RUNS, '--seed', '3');
    expect(report.match(/0 violations/g)).toHaveLength(2);
    expect(Number(/"opened":(\d+)/.exec(report)?.[1])).toBeGreaterThan(Number(RUNS));
    expect(Number(/"resent":([1-9]\d*)/.exec(report)?.[1])).toBeGreaterThan(0);
  }, 250_000);

  it.each(NODE_COUNTS)(
    'repeats the same events for the same seed on %i node(s)',
    async (nodes) => {
      const faults = EVERYTHING.faults.filter(({ kind }) => nodes > 0 || kind === 'pause');
      const schedule = { ...EVERYTHING, faults };
      const json = JSON.stringify(schedule);
      const [first, second] = await Promise.all([
        simulate('--nodes', String(nodes), '--schedule', json),
        simulate('--nodes', String(nodes), '--schedule', json),
      ]);
      expect(first.split('\n').length).toBeGreaterThan(nodes === 0 ? 20 : 50);
      expect(second).toBe(first);
      const other = await simulate('--nodes', String(nodes), '--schedule', JSON.stringify({ ...schedule, seed: 8 }));
      expect(other).not.toBe(first);
    },
    60_000,
  );
});

const CALL = {
  late: false,
  wait: 'ever',
  lease: 'renew',
  section: 150,
  abort: null,
  extend: 400,
  again: null,
  holdAtLeast: 0,
  nested: false,
};
const EVERYTHING = {
  seed: 7,
  client: 'own',
  calls: [
    { ...CALL, at: 0, process: 0, names: 'a', callers: 5 },
    { ...CALL, at: 20, process: 1, names: 'both', callers: 2, lease: 200 },
    { ...CALL, at: 300, process: 2, names: 'a', callers: 2, nested: true, extend: null },
  ],
  faults: [
    { at: 30, kind: 'cut', process: 0, node: 0, which: 'both', ms: 40 },
    { at: 200, kind: 'pause', process: 1, ms: 350, asleep: true, first: 'timer' },
    { at: 400, kind: 'crash', node: 0, ms: 40, keep: false },
    { at: 700, kind: 'hold', process: 2, node: 0, direction: 'replies', ms: 120, thenCut: true },
  ],
};
