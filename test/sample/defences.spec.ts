import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defencesTable, runDefences, type DefenceRow } from '../../sample-app/lab/evolution/defences/run-defences.js';
import { startBacking, type Backing } from '../../sample-app/lab/launch/backing.js';
import { tableCells, tableOfFile } from '../support/markdown-table.js';

describe('a sale without one of the safeguards', () => {
  let backing: Backing;
  let rows: DefenceRow[];

  beforeAll(async () => {
    backing = await startBacking();
    rows = await runDefences(backing);
  }, 60_000);
  afterAll(async () => {
    await backing.stop();
  });

  it.each([
    ['lock and condition', '2 sold of 1, -1 left, 0 promised and refused'],
    // The database holds, but a buyer who was told that there is one gets none.
    ['lock', '1 sold of 1, 0 left, 1 promised and refused'],
    ['condition', '2 gone of 1, -1 left'],
    ['token', 'the price is 1100, the newest was 1200'],
    ['unique key', '2 sold to a buyer who wanted 1'],
  ])('shows why it is needed: %s', (off, seen) => {
    expect(rows.find((row) => row.off === off)?.without).toEqual({ seen, well: false });
  });

  it('is as the README describes', () => {
    expect(tableCells(defencesTable(rows))).toEqual(tableOfFile('sample-app/lab/README.md', 'line of defence off'));
  });

  it('is correct with all of them', () => {
    expect(rows.map(({ off, withAll }) => [off, withAll])).toEqual([
      ['lock and condition', { seen: '1 sold of 1, 0 left, 0 promised and refused', well: true }],
      ['lock', { seen: '1 sold of 1, 0 left, 0 promised and refused', well: true }],
      ['condition', { seen: '1 gone of 1, 0 left', well: true }],
      ['token', { seen: 'the price is 1200, the newest was 1200', well: true }],
      ['unique key', { seen: '1 sold to a buyer who wanted 1', well: true }],
    ]);
  });
});
