import { describe, expect, it } from '@jest/globals';
import type { LockClient } from '../contestants/contestant.js';
import { foreignRound } from './foreign-round.js';
import type { Plan } from './plan.js';
import { RecordColumns } from './record-columns.js';

const plan: Plan = {
  ...{
    names: ['a'],
    callers: 3,
    permits: 2,
    times: Infinity,
    sectionMs: 1,
    durationMs: 10,
    drainMs: 1_000,
    settleMs: 0,
  },
  ...{ record: true, startAt: 100 },
};

/** Sections as caller, entered and left. */
function play(...sections: [number, number, number][]) {
  const records = new RecordColumns();
  for (const [caller, entered, left] of sections) records.add(caller, 100, entered, left, left);
  const round = () => Promise.resolve({ records: records.take(), cpuMs: 3, ports: [1, 2] });
  const client: LockClient = {
    section: () => Promise.resolve(),
    round,
    gaveUp: () => 0,
    close: () => Promise.resolve(),
  };
  return foreignRound(client, plan);
}

describe('a round that a client runs itself', () => {
  it('counts the sections that ended within the window', async () => {
    const result = await play([0, 101, 102], [1, 101, 104], [0, 109, 111]);
    expect(result).toMatchObject({ sections: 2, allSections: 3, insideMs: 4, cpuMs: 3, connections: 2, overlaps: 0 });
  });

  it('finds what was entered beyond the permits', async () => {
    expect((await play([0, 101, 105], [1, 102, 105], [2, 103, 105])).overlaps).toBe(1);
    expect((await play([0, 101, 105], [1, 102, 105], [2, 105, 106])).overlaps).toBe(0);
  });
});
