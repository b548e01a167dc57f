import { describe, expect, it } from '@jest/globals';
import { bucketOf } from '../../../sample-app/lab/live/latency-buckets.js';
import { ShopState } from '../../../sample-app/lab/page/state/shop-state.js';
import { tellLastRun, tellLeader } from '../../../sample-app/lab/page/views/coordination.js';
import { tellNow } from '../../../sample-app/lab/page/views/now.js';
import { held, renewed, report } from './reports.js';

const name = 'catalog:*';
const start = 1_000_000;

/** What the page knows after these reports, all of which came at `start`. */
function after(...reports: ReturnType<typeof report>[]): ShopState {
  const shop = new ShopState();
  shop.connected = true;
  for (const one of reports) shop.takeReport(one, start);
  return shop;
}

const locks = (shop: ShopState, now = start) => shop.locks.rows(shop.replicas, now);
const told = (shop: ShopState, now = start) => tellNow(shop, locks(shop, now), now);

describe('the state of the page', () => {
  it('marks a replica as silent after a second without reports', () => {
    const shop = after(report('replica-1'));
    expect(shop.conditionOf('replica-1', start + 1_000)).toBe('running');
    expect(shop.conditionOf('replica-1', start + 1_001)).toBe('silent');
    expect(shop.conditionOf('replica-2', start)).toBe('silent');
  });

  it('computes rates over the counted time', () => {
    const shop = after(
      report('replica-1', { requests: { answered: 30, failed: 3, refused: 2, running: 0 }, periodMs: 300 }),
    );
    const watch = shop.replicas.get('replica-1')!;
    expect(watch.rate(({ requests }) => requests.answered, start)).toBe(100);
    expect(watch.rate(({ requests }) => requests.answered, start + 2_000)).toBe(0);
  });

  it('ignores the state of a report that a later one has overtaken', () => {
    const shop = after(report('replica-1', { seq: 5, queryMs: 500 }), report('replica-1', { seq: 4, queryMs: 400 }));
    expect(shop.replicas.get('replica-1')!.report.queryMs).toBe(500);
    // A new process begins anew.
    shop.takeReport(report('replica-1', { seq: 1, pid: 101, queryMs: 100 }), start);
    expect(shop.replicas.get('replica-1')!.report.queryMs).toBe(100);
  });

  it('adds up the seconds of all replicas, and drops those before the last minute', () => {
    const latency = [
      [bucketOf(10), 99],
      [bucketOf(1_000), 1],
    ] as const;
    const requests = { answered: 100, failed: 1, refused: 4, running: 0 };
    const shop = after(report('replica-1', { requests, latency }), report('replica-2', { requests, latency }));
    const [second] = shop.history.seconds(start + 1_000);
    expect(second).toMatchObject({ second: start / 1_000, requests: 200, failed: 2, refused: 8 });
    expect(second!.p50Ms!).toBeCloseTo(10, -1);
    expect(second!.p99Ms!).toBeLessThan(12);
    expect(shop.history.seconds(start)).toEqual([]);
    expect(shop.history.seconds(start + 60_000)).toHaveLength(60);
    const later = shop.history.seconds(start + 61_000);
    expect(later).toHaveLength(60);
    expect(later.every((one) => one.requests === 0)).toBe(true);
  });

  it('keeps a limited number of events and replicas', () => {
    const shop = new ShopState();
    for (let i = 0; i < 1_000; i += 1) shop.takeReport(report(`replica-${i}`, { events: [renewed(name, i)] }), start);
    expect(shop.log.newestFirst).toHaveLength(400);
    expect(shop.log.newestFirst[0]!.event).toMatchObject({ token: 999 });
    expect(shop.replicas.size).toBe(32);
  });
});

describe('the board of locks', () => {
  it('counts a lease down between two reports, and up when it is renewed', () => {
    const shop = after(report('replica-1', { held: [held(name, 7, 3_000)] }));
    expect(locks(shop, start + 500)[0]).toMatchObject({ leaseMs: 3_000, renewedAt: 0 });
    expect(locks(shop, start + 500)[0]!.holders[0]!.remainingMs).toBe(2_500);
    shop.takeReport(
      report('replica-1', { seq: 2, held: [held(name, 7, 3_000)], events: [renewed(name, 7)] }),
      start + 600,
    );
    expect(locks(shop, start + 600)[0]!.holders[0]!.remainingMs).toBe(3_000);
    expect(locks(shop, start + 600)[0]!.renewedAt).toBe(start + 600);
  });

  it('shows the holder with the larger token first', () => {
    const shop = after(
      report('replica-1', { held: [held(name, 7, 0)] }),
      report('replica-2', { held: [held(name, 8, 900)] }),
    );
    expect(locks(shop)[0]!.holders.map(({ replica }) => replica)).toEqual(['replica-2', 'replica-1']);
  });

  it('never returns to a holder with a smaller token', () => {
    const taken = (token: number | null) =>
      ({ type: 'acquired', at: 0, name, token, waitedMs: 0, handedOver: false }) as const;
    const released = (token: number | null) => ({ type: 'released', at: 0, name, token, heldMs: 9 }) as const;
    for (const [first, second] of [
      [7, 8],
      [null, null],
    ] as const) {
      // replica-1 is stopped with the lock; its lease ends, and replica-2 takes the lock.
      const shop = after(report('replica-1', { held: [held(name, first, first && 900)], events: [taken(first)] }));
      shop.takeReport(
        report('replica-2', { held: [held(name, second, second && 900)], events: [taken(second)] }),
        start + 2_000,
      );
      expect(locks(shop, start + 2_000)[0]!.holders.map(({ replica }) => replica)).toEqual(['replica-2', 'replica-1']);
      // replica-2 releases it.
      shop.takeReport(report('replica-2', { seq: 2, events: [released(second)] }), start + 2_500);
      const free = { holders: [], lastHolder: 'replica-2', lastToken: second };
      expect(locks(shop, start + 2_500)[0]).toMatchObject(free);
      expect(told(shop, start + 2_500)).not.toContain('replica-1 has the lock');
      // replica-1 continues, and tells late what it did.
      const late = { type: 'renewed', at: 0, name, token: 7 } as const;
      shop.takeReport(
        report('replica-1', {
          seq: 2,
          held: first === null ? [] : [held(name, 7, 0)],
          events: first === null ? [] : [late],
        }),
        start + 2_600,
      );
      expect(locks(shop, start + 2_600)[0]).toMatchObject(free);
    }
  });

  it('shows a silent holder until some time after its lease', () => {
    const shop = after(report('replica-1', { held: [held(name, 7, 3_000)] }));
    expect(locks(shop, start + 2_900)[0]!.holders).toMatchObject([{ silent: true, remainingMs: 100 }]);
    expect(locks(shop, start + 5_000)[0]!.holders).toMatchObject([{ silent: true, remainingMs: 0 }]);
    expect(locks(shop, start + 7_100)[0]!.holders).toEqual([]);
  });

  it('does not show permits, which have several holders at a time', () => {
    const permits = { held: [held('supplier', 7, 900)], waiting: [{ name: 'supplier', callers: 2 }] };
    const shop = after(report('replica-1', { ...permits, events: [renewed('supplier', 7)] }));
    expect(locks(shop)).toEqual([]);
    expect([shop.log.newestFirst.length, shop.frequentLog.newestFirst.length]).toEqual([0, 1]);
  });

  it('keeps a free lock for a while, and at most forty', () => {
    const shop = after(report('replica-1', { events: [renewed(name, 7)] }));
    expect(locks(shop, start + 8_000)).toMatchObject([{ name, holders: [], lastHolder: 'replica-1', lastToken: 7 }]);
    expect(locks(shop, start + 13_000)).toEqual([]);
    const many = after(report('replica-1', { events: Array.from({ length: 90 }, (_, i) => renewed(`stock:${i}`, i)) }));
    locks(many);
    expect(locks(many)).toHaveLength(40);
  });
});

describe('the sentence about the present state', () => {
  it('names the replica that rebuilds, its token, and the waiters', () => {
    const shop = after(
      report('replica-2', {
        held: [held(name, 1_763_000_017, 900)],
        cache: { hits: 0, misses: 1, rebuilds: 1, rebuilding: 1 },
      }),
      report('replica-1', { waiting: [{ name, callers: 40 }] }),
      report('replica-3', { waiting: [{ name, callers: 1 }] }),
    );
    expect(told(shop)).toBe(
      'replica-2 rebuilds the whole catalog under the lock, token …0017. 41 callers wait for it in 2 replicas.',
    );
  });

  it('reports concurrent rebuilds', () => {
    const rebuilding = { hits: 0, misses: 9, rebuilds: 9, rebuilding: 9 };
    const shop = after(report('replica-1', { cache: rebuilding }), report('replica-2', { cache: rebuilding }));
    expect(told(shop)).toMatch(/^18 rebuilds of the catalog run at once in 2 replicas/);
  });

  it('reports a silent holder, and when the next waiter may get the lock', () => {
    const shop = after(report('replica-1', { held: [held(name, 7, 3_000)] }));
    expect(told(shop, start + 1_500)).toMatch(/replica-1 has the lock .* sends no reports\. Its lease ends in 1\.5 s/);
    expect(told(shop, start + 3_500)).toMatch(/Its lease has ended/);
  });

  it('reports a lost connection first, and then a paused Redis', () => {
    const shop = after(report('replica-1', { held: [held(name, 7, 3_000)] }));
    shop.beat = { replica: 'replica-1', at: 0, redis: 'down', dropped: 0 };
    expect(told(shop)).toBe('The replicas cannot reach Redis.');
    shop.connected = false;
    expect(told(shop)).toMatch(/lost its connection/);
  });
});

describe('what one replica does for all', () => {
  const run = { startedAt: start - 9_000, endedAt: start - 8_400, outcome: 'done', attempt: 1 } as const;

  it('is told by the name of the replica', () => {
    const leader = { where: 'host:102', token: 1_763_000_017, since: start - 4_000 };
    const shop = after(
      report('replica-1', { pid: 101, coordination: { leader, lastRun: { ...run, where: 'host:101' } } }),
      report('replica-2', { pid: 102 }),
    );
    expect(tellLeader(shop, start)).toBe('replica-2, since 4.0 s, token …0017');
    expect(tellLastRun(shop, start)).toBe('replica-1, 8 s ago, in 600 ms');
  });

  it('is told by the process id once the replica has ended', () => {
    const lastRun = { ...run, where: 'host:99', endedAt: null, outcome: 'running', attempt: 2 } as const;
    const shop = after(report('replica-1', { pid: 101, coordination: { leader: null, lastRun } }));
    expect(tellLeader(shop, start)).toBe('No replica at the moment.');
    expect(tellLastRun(shop, start)).toBe('Process 99, which has ended, attempt 2, began 9 s ago and has not ended');
  });

  it('is not told while no replica can ask Redis', () => {
    const shop = after(report('replica-1'));
    expect(tellLeader(shop, start)).toMatch(/^Not known/);
    expect(tellLastRun(shop, start)).toMatch(/^Not known/);
    const later = after(report('replica-1', { coordination: { leader: null, lastRun: null } }));
    expect(tellLastRun(later, start)).toBe('Never so far.');
    expect(tellLastRun(later, start + 5_000)).toMatch(/^Not known/);
  });
});
