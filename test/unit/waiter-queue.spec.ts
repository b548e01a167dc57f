import { describe, expect, it } from '@jest/globals';
import { TimerWheel } from '../../lib/time/timer-wheel.js';
import { Waiter } from '../../lib/waiting/waiter.js';
import { WaiterQueue } from '../../lib/waiting/waiter-queue.js';

const request = { wait: 0, leaseMs: 1_000, renews: true, minReplicas: 0, signal: undefined };
const line = { name: 'line', timeouts: new TimerWheel(true), leave: () => undefined, onExpired: () => undefined };
const waiter = (): Waiter => new Waiter(request, line, () => undefined);

const contents = (queue: WaiterQueue): Waiter[] => {
  const found: Waiter[] = [];
  for (let each = queue.first; each !== null; each = each.next) found.push(each);
  return found;
};

describe('the queue of waiters', () => {
  it('keeps the order they came in', () => {
    const queue = new WaiterQueue();
    const all = [waiter(), waiter(), waiter()];
    for (const each of all) queue.push(each);
    expect(contents(queue)).toEqual(all);
    expect(queue.size).toBe(3);
  });

  it.each([
    ['first', 0, [1, 2]],
    ['middle', 1, [0, 2]],
    ['last', 2, [0, 1]],
  ])('lets the %s one leave, once, and takes another behind the rest', (_which, index, left) => {
    const queue = new WaiterQueue();
    const all = [waiter(), waiter(), waiter()];
    for (const each of all) queue.push(each);
    expect(queue.remove(all[index]!)).toBe(true);
    expect(queue.remove(all[index]!)).toBe(false);
    const late = waiter();
    queue.push(late);
    expect(contents(queue)).toEqual([...left.map((at) => all[at]!), late]);
    expect(queue.size).toBe(3);
  });

  it('knows nobody who never came', () => {
    const queue = new WaiterQueue();
    expect(queue.remove(waiter())).toBe(false);
    expect(queue.size).toBe(0);
  });

  it('agrees with a plain list, whoever comes and goes', () => {
    const queue = new WaiterQueue();
    let list: Waiter[] = [];
    // A fixed sequence that looks random: the same in every run.
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    for (let step = 0; step < 5_000; step += 1) {
      if (list.length === 0 || next(5) < 3) {
        const one = waiter();
        queue.push(one);
        list.push(one);
      } else {
        const gone = list[next(list.length)]!;
        expect(queue.remove(gone)).toBe(true);
        list = list.filter((each) => each !== gone);
      }
    }
    expect(contents(queue)).toEqual(list);
    expect(queue.size).toBe(list.length);
  });
});
