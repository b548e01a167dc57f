import { beforeEach, describe, expect, it } from '@jest/globals';
import { AbandonedAcquires } from '../../lib/stores/redis/scripts/abandoned-acquires.js';

const [a, b, c] = ['a', 'b', 'c'].map((owner) => ({ name: `lock of ${owner}`, owner, leaseMs: 1_000 })) as [
  Request,
  Request,
  Request,
];
interface Request {
  name: string;
  owner: string;
  leaseMs: number;
}
const taken = [1, 17];
const busy = [0, 250];

describe('acquires whose outcome is not known', () => {
  let again: { owner: string; until: number }[];
  let abandoned: AbandonedAcquires;
  beforeEach(() => {
    again = [];
    abandoned = new AbandonedAcquires(({ owner }, until) => again.push({ owner, until }));
  });

  const overdue = (...requests: Request[]): void => requests.forEach((request) => abandoned.onOverdue(request));
  const late = (reply: unknown, ...requests: Request[]): void =>
    requests.forEach((request, index) => abandoned.onLate(request, reply, index));

  it('are released once more when the late reply says taken, and the owner was released before', () => {
    overdue(a, b, c);
    expect(abandoned.size).toBe(3);
    abandoned.onReleased('a');
    abandoned.onReleased('b');
    late([...taken, ...busy, ...taken], a, b, c);
    // b did not get it, and c still wants it.
    expect(again).toEqual([{ owner: 'a', until: 0 }]);
    expect(abandoned.size).toBe(0);
  });

  it('are released once more, all of them, when one number says that the whole call was done', () => {
    overdue(a, b, c);
    for (const owner of ['a', 'b', 'c']) abandoned.onReleased(owner);
    late(17, a, b, c);
    expect(again.map(({ owner }) => owner)).toEqual(['a', 'b', 'c']);
    expect(abandoned.size).toBe(0);
  });

  it('are not released once more where requests are carried out in order', () => {
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

  it('do not concern an owner that was answered in time', () => {
    expect(abandoned.onReleased('a')).toBe(0);
    expect(abandoned.size).toBe(0);
  });

  describe('on a connection that was closed', () => {
    it('make the release of their owner repeated for as long as they may arrive, or their lease lasts', () => {
      const now = performance.now();
      abandoned.onCut(a, 500);
      abandoned.onCut(b, 5_000);
      expect(abandoned.onReleased('a')).toBeGreaterThanOrEqual(now + 500);
      const until = abandoned.onReleased('b');
      expect(until).toBeGreaterThanOrEqual(now + 1_000);
      expect(until).toBeLessThan(now + 5_000);
      expect({ again, size: abandoned.size }).toEqual({ again: [], size: 0 });
    });

    it('make it repeated too if the owner was released before', () => {
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

    it('concern no owner whose requests can no longer arrive', () => {
      abandoned.onCut(a, 0);
      expect(abandoned.onReleased('a')).toBe(0);
      expect(abandoned.size).toBe(0);
    });
  });
});
