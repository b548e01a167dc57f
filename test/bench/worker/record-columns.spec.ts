import { describe, expect, it } from '@jest/globals';
import { readRecords, RecordColumns } from './record-columns.js';

describe('RecordColumns', () => {
  it('gives back what was put in, with the names of the plan', () => {
    const columns = new RecordColumns();
    columns.add(0, 1, 2, 3, 4);
    columns.add(3, 5, 6, 7, 8);
    expect(readRecords(columns.take(), 2, { names: ['x', 'y'] })).toEqual([
      { worker: 2, caller: 0, name: 'x', asked: 1, entered: 2, left: 3, returned: 4 },
      { worker: 2, caller: 3, name: 'y', asked: 5, entered: 6, left: 7, returned: 8 },
    ]);
  });

  it('grows with what is put in', () => {
    const columns = new RecordColumns();
    for (let at = 0; at < 5_000; at += 1) columns.add(at, at, at, at, at);
    const records = readRecords(columns.take(), 0, { names: ['x'] });
    expect(records).toHaveLength(5_000);
    expect(records.every(({ caller, asked, returned }, at) => caller === at && asked === at && returned === at)).toBe(
      true,
    );
  });

  it('holds nothing before anything is put in', () => {
    expect(readRecords(new RecordColumns().take(), 0, { names: [] })).toEqual([]);
  });
});
