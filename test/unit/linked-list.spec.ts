import { describe, expect, it } from '@jest/globals';
import { LinkedList, type Linked } from '../../lib/lists/linked-list.js';

class Entry implements Linked<Entry> {
  list: LinkedList<Entry> | null = null;
  previous: Entry | null = null;
  next: Entry | null = null;

  constructor(readonly id: number) {}
}

const ids = (list: LinkedList<Entry>): number[] => list.entries().map(({ id }) => id);

function three(): [LinkedList<Entry>, Entry[]] {
  const list = new LinkedList<Entry>();
  const all = [new Entry(0), new Entry(1), new Entry(2)];
  for (const each of all) list.push(each);
  return [list, all];
}

describe('a linked list', () => {
  it('keeps the order of insertion', () => {
    const [list] = three();
    expect(ids(list)).toEqual([0, 1, 2]);
    expect(list.size).toBe(3);
    expect(list.first?.id).toBe(0);
  });

  it.each([
    ['first', 0, [1, 2]],
    ['middle', 1, [0, 2]],
    ['last', 2, [0, 1]],
  ])('removes the %s entry once, and adds another at the end', (_which, index, left) => {
    const [list, all] = three();
    expect(list.remove(all[index]!)).toBe(true);
    expect(list.remove(all[index]!)).toBe(false);
    list.push(new Entry(3));
    expect(ids(list)).toEqual([...left, 3]);
    expect(list.size).toBe(3);
  });

  it('does not remove an entry that was never added, or is in another list', () => {
    const list = new LinkedList<Entry>();
    const [other, [first]] = three();
    expect(list.remove(new Entry(9))).toBe(false);
    expect(list.remove(first!)).toBe(false);
    expect(list.size).toBe(0);
    expect(ids(other)).toEqual([0, 1, 2]);
  });

  it('leaves no references in a removed entry', () => {
    const [list, [, middle]] = three();
    list.remove(middle!);
    expect(middle).toMatchObject({ list: null, previous: null, next: null });
  });

  it('behaves like an array in random operations', () => {
    const list = new LinkedList<Entry>();
    let plain: Entry[] = [];
    // A fixed sequence that looks random: the same in every run.
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    for (let step = 0; step < 5_000; step += 1) {
      if (plain.length === 0 || next(5) < 3) {
        const one = new Entry(step);
        list.push(one);
        plain.push(one);
      } else {
        const gone = plain[next(plain.length)]!;
        expect(list.remove(gone)).toBe(true);
        plain = plain.filter((each) => each !== gone);
      }
    }
    expect(ids(list)).toEqual(plain.map(({ id }) => id));
    expect(list.size).toBe(plain.length);
  });
});
