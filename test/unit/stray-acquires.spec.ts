import { beforeEach, describe, expect, it } from '@jest/globals';
import { StrayAcquires } from '../../lib/stores/redis/stray-acquires.js';

const request = (owner: string) => ({ name: `lock of ${owner}`, owner, leaseMs: 1_000 });
const taken = [1, 17];
const busy = [0, 250];

describe('acquires that were given up', () => {
  let again: string[];
  let strays: StrayAcquires;
  beforeEach(() => {
    again = [];
    strays = new StrayAcquires((name, owner, leaseMs) => again.push(`${owner}: ${name}, ${leaseMs}`));
  });

  it('are released once more when the answer says taken, and the owner was released before', () => {
    const late = strays.watch([request('a'), request('b'), request('c')]);
    late.onGivenUp();
    expect(strays.size).toBe(3);
    strays.onReleased('a');
    strays.onReleased('b');
    late.onAnswered([...taken, ...busy, ...taken]);
    // b did not get it, and c still wants it.
    expect(again).toEqual(['a: lock of a, 1000']);
    expect(strays.size).toBe(0);
  });

  it('are released once more, all of them, when one number says that the whole call was done', () => {
    const late = strays.watch([request('a'), request('b'), request('c')]);
    late.onGivenUp();
    for (const owner of ['a', 'b', 'c']) strays.onReleased(owner);
    late.onAnswered(17);
    expect(again).toEqual(['a: lock of a, 1000', 'b: lock of b, 1000', 'c: lock of c, 1000']);
    expect(strays.size).toBe(0);
  });

  it('are forgotten when no answer can come', () => {
    const late = strays.watch([request('a')]);
    late.onGivenUp();
    strays.onReleased('a');
    late.onAnswered(undefined);
    expect({ again, size: strays.size }).toEqual({ again: [], size: 0 });
  });

  it('are waited for one by one when an owner gave up several', () => {
    const first = strays.watch([request('a')]);
    const second = strays.watch([request('a')]);
    first.onGivenUp();
    second.onGivenUp();
    first.onAnswered(taken);
    expect(again).toEqual([]);
    strays.onReleased('a');
    second.onAnswered(taken);
    expect(again).toHaveLength(1);
    expect(strays.size).toBe(0);
  });

  it('do not concern who was answered in time', () => {
    strays.watch([request('a')]);
    strays.onReleased('a');
    expect(strays.size).toBe(0);
  });
});
