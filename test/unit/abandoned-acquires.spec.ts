import { beforeEach, describe, expect, it } from '@jest/globals';
import { AbandonedAcquires } from '../../lib/stores/redis/scripts/abandoned-acquires.js';

const [a, b, c] = ['a', 'b', 'c'].map((owner) => ({
  name: `lock of ${owner}`,
  owner,
  leaseMs: 1_000,
  waits: owner === 'a',
})) as [Request, Request, Request];
interface Request {
  name: string;
  owner: string;
  leaseMs: number;
  waits: boolean;
}
const taken = [1, 17];
const busy = [0, 250];

describe('acquires with an unknown outcome', () => {
  let again: { owner: string; until: number }[];
  let abandoned: AbandonedAcquires;
  beforeEach(() => {
    again = [];
    abandoned = new AbandonedAcquires(({ owner }, until) => again.push({ owner, until }));
  });

  const overdue = (...requests: Request[]): void => requests.forEach((request) => abandoned.onOverdue(request));
  const late = (reply: unknown, ...requests: Request[]): void =>
    requests.forEach((request, index) => abandoned.onLate(request, reply, index));

  it('are released again when a late reply grants the lock after the owner was released', () => {
    overdue(a, b, c);
    expect(abandoned.size).toBe(3);
    abandoned.onReleased('a');
    abandoned.onReleased('b');
    late([...taken, ...busy, ...taken], a, b, c);
    // b did not get it, and c still wants it.
    expect(again).toEqual([{ owner: 'a', until: 0 }]);
    expect(abandoned.size).toBe(0);
  });

  it('are all released again when one number in the reply grants the whole call', () => {
    overdue(a, b, c);
    for (const owner of ['a', 'b', 'c']) abandoned.onReleased(owner);
    late(17, a, b, c);
    expect(again.map(({ owner }) => owner)).toEqual(['a', 'b', 'c']);
    expect(abandoned.size).toBe(0);
  });

  it('are not released again if requests are executed in order', () => {
    abandoned.inOrder.onOverdue(a);
    abandoned.onReleased('a');
    abandoned.inOrder.onLate(a, taken, 0);
    expect({ again, size: abandoned.size }).toEqual({ again: [], size: 0 });
  });

  it('are waited for one by one when several requests of an owner are overdue', () => {
    overdue(a);
    overdue(a);
    late(taken, a);
    expect(again).toEqual([]);
    abandoned.onReleased('a');
    late(taken, a);
    expect(again).toHaveLength(1);
    expect(abandoned.size).toBe(0);
  });

  it('do not affect an owner that got its reply in time', () => {
    expect(abandoned.onReleased('a')).toBe(0);
    expect(abandoned.size).toBe(0);
  });

  describe('on a connection that was closed', () => {
    it('cause repeated releases for as long as they may get a place among the waiters', () => {
      const now = performance.now();
      abandoned = new AbandonedAcquires(() => undefined, 5_000);
      abandoned.onCut(a, 3_500);
      abandoned.onCut(b, 3_500);
      expect(abandoned.onReleased('a')).toBeGreaterThanOrEqual(now + 3_500);
      expect(abandoned.onReleased('b')).toBeLessThan(now + 3_500);
    });

    it('cause repeated releases of their owner for as long as they may arrive, or their lease lasts', () => {
      const now = performance.now();
      abandoned.onCut(a, 500);
      abandoned.onCut(b, 5_000);
      expect(abandoned.onReleased('a')).toBeGreaterThanOrEqual(now + 500);
      const until = abandoned.onReleased('b');
      expect(until).toBeGreaterThanOrEqual(now + 1_000);
      expect(until).toBeLessThan(now + 5_000);
      expect({ again, size: abandoned.size }).toEqual({ again: [], size: 0 });
    });

    it('cause repeated releases even if the owner was released before', () => {
      const now = performance.now();
      overdue(a);
      expect(abandoned.onReleased('a')).toBe(0);
      late(undefined, a);
      overdue(b);
      abandoned.onReleased('b');
      abandoned.onCut(b, 500);
      late(undefined, b);
      expect(again).toEqual([{ owner: 'b', until: expect.any(Number) }]);
      expect(again[0]!.until).toBeGreaterThanOrEqual(now + 500);
      expect(abandoned.size).toBe(0);
    });

    it('do not affect an owner whose requests can no longer arrive', () => {
      abandoned.onCut(a, 0);
      expect(abandoned.onReleased('a')).toBe(0);
      expect(abandoned.size).toBe(0);
    });
  });
});
