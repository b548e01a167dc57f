import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { makeTempDir } from '../../../sample-app/services/temp-dir.js';
import { Traffic } from '../driver/traffic.js';
import { countRequests } from '../measures/monitor.js';
import { ChildScript } from '../../support/child-script.js';
import { describeWithRedisServer, RedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { Turns } from './turns.js';

/** What a section costs, in the mean of many. */
interface Cost {
  /** Commands sent over the network. */
  readonly requests: number;
  /** Commands that scripts ran for them. */
  readonly inScripts: number;
  /** Round trips: what is sent together is one. */
  readonly turns: number;
}

const PROCESSES = 4;

/** Counts, and no times: a slow machine has the same. */
describeWithRedisServer('the cost of a section', () => {
  let server: RedisServer;
  let turns: Turns;
  let traffic: Traffic;
  let locks: LockService;
  beforeEach(async () => {
    server = await RedisServer.start();
    turns = await Turns.between(server.url);
    traffic = await Traffic.open(server.url);
    // A server that is slow to answer is asked whether it lives, which would count.
    locks = await connectLockService({ url: turns.url, commandTimeout: 10_000 });
  });
  afterEach(async () => {
    await locks.close();
    await traffic.close();
    await turns[Symbol.asyncDispose]();
    await server.stop();
  });

  const costOf = async (sections: number, work: () => Promise<unknown>): Promise<Cost> => {
    const before = turns.count;
    const { lines } = await traffic.listen(work);
    const { requests, inScripts } = countRequests(lines);
    return {
      requests: requests / sections,
      inScripts: inScripts / sections,
      turns: (turns.count - before) / sections,
    };
  };

  /** `callers` callers, each with `times` sections, on `names` names. */
  const crowd = async (callers: number, names: number, times: number): Promise<void> => {
    const all = Array.from({ length: names }, () => uniqueName());
    const caller = async (_: unknown, at: number): Promise<void> => {
      for (let i = 0; i < times; i += 1) await locks.withLock(all[at % names]!, () => undefined);
    };
    await Promise.all(Array.from({ length: callers }, caller));
  };

  it('is two requests, each a round trip, and eight commands in scripts for a single caller', async () => {
    await crowd(1, 1, 2);
    const costs: unknown[] = [];
    // A stall of a busy machine costs a further request, so one batch without any is enough.
    for (let batch = 0; batch < 3; batch += 1) costs.push(await costOf(100, () => crowd(1, 1, 100)));
    expect(costs).toContainEqual({ requests: 2, inScripts: 8, turns: 2 });
  });

  it('is a fraction of a request on 64 names at once, and they share a few round trips', async () => {
    await crowd(64, 64, 2);
    const cost = await costOf(64 * 20, () => crowd(64, 64, 20));
    expect(cost.requests).toBeLessThanOrEqual(0.2);
    expect(cost.inScripts).toBeLessThanOrEqual(8);
    expect(cost.turns).toBeLessThanOrEqual(0.2);
  });

  it('is nearly zero for 50 callers of one lock in one process', async () => {
    await crowd(50, 1, 2);
    const cost = await costOf(50 * 40, () => crowd(50, 1, 40));
    expect(cost.requests).toBeLessThanOrEqual(0.1);
    expect(cost.inScripts).toBeLessThanOrEqual(0.4);
    expect(cost.turns).toBeLessThanOrEqual(0.1);
  });

  it('is a fraction of a request for 50 callers of a semaphore with 5 permits', async () => {
    const semaphore = locks.semaphore(uniqueName(), { permits: 5 });
    const takeInTurn = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 1) await semaphore.withPermit(() => undefined);
    };
    const callers = (times: number) => Promise.all(Array.from({ length: 50 }, () => takeInTurn(times)));
    await callers(2);
    const cost = await costOf(50 * 40, () => callers(40));
    expect(cost.requests).toBeLessThanOrEqual(0.3);
    expect(cost.turns).toBeLessThanOrEqual(0.3);
  });

  it('is a few requests in four processes with 16 callers each', async () => {
    const folder = makeTempDir('efficiency');
    const sections = 12;
    const order = { name: uniqueName(), folder: folder.path, leaseMs: 30_000, callers: 16, sections, sectionMs: 1 };
    const children = Array.from({ length: PROCESSES }, () =>
      ChildScript.start('hazards/children/contender.mjs', [JSON.stringify({ ...order, url: turns.url })]),
    );
    try {
      await Promise.all(children.map((child) => child.next('ready')));
      const cost = await costOf(PROCESSES * 16 * sections, async () => {
        for (const child of children) child.send({ type: 'go' });
        await Promise.all(children.map((child) => child.next('done')));
      });
      expect(cost.requests).toBeLessThanOrEqual(1);
      expect(cost.inScripts).toBeLessThanOrEqual(3);
      expect(cost.turns).toBeLessThanOrEqual(1);
    } finally {
      await Promise.all(children.map((child) => child.kill()));
      folder.remove();
    }
  });
});
