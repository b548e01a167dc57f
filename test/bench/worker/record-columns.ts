import type { Plan, SectionRecord } from './plan.js';

const COLUMNS = 5;

/** Records as numbers in one array, since a round can have a hundred thousand of them. */
export class RecordColumns {
  private data = new Float64Array(1_024 * COLUMNS);
  private length = 0;

  add(caller: number, asked: number, entered: number, left: number, returned: number): void {
    if (this.length === this.data.length) {
      const grown = new Float64Array(this.length * 2);
      grown.set(this.data);
      this.data = grown;
    }
    const at = this.length;
    this.data[at] = caller;
    this.data[at + 1] = asked;
    this.data[at + 2] = entered;
    this.data[at + 3] = left;
    this.data[at + 4] = returned;
    this.length += COLUMNS;
  }

  take(): Float64Array {
    return this.data.slice(0, this.length);
  }
}

/** The records of one process, the `worker`-th of its crew. */
export function readRecords(columns: Float64Array, worker: number, { names }: Pick<Plan, 'names'>): SectionRecord[] {
  const records: SectionRecord[] = [];
  for (let at = 0; at < columns.length; at += COLUMNS) {
    const [caller = 0, asked = 0, entered = 0, left = 0, returned = 0] = columns.subarray(at, at + COLUMNS);
    records.push({ worker, caller, name: names[caller % names.length] ?? '', asked, entered, left, returned });
  }
  return records;
}
