import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { makeTempDir, type TempDir } from '../../sample-app/services/temp-dir.js';
import { ChildScript, type ChildMessage } from '../support/child-script.js';
import { lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';
import { overlaps, readSections, tokensThatFell } from './testing/section-log.js';

const PROCESSES = 4;
const CALLERS = 16;

describeWithRedisServer('processes that compete for one lock', () => {
  let server: RedisServer;
  let folder: TempDir;
  let children: ChildScript[];
  let name: string;

  beforeEach(async () => {
    server = await RedisServer.start();
    folder = makeTempDir('sections');
    name = uniqueName('processes');
    children = [];
  });
  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill()));
    folder.remove();
    await server.stop();
  });

  async function start(work: { leaseMs: number; sections: number; sectionMs: number }): Promise<void> {
    const order = { url: server.url, name, folder: folder.path, callers: CALLERS, ...work };
    children = Array.from({ length: PROCESSES }, () =>
      ChildScript.start('hazards/children/contender.mjs', [JSON.stringify(order)]),
    );
    await Promise.all(children.map((child) => child.next('ready')));
    for (const child of children) child.send({ type: 'go' });
  }

  const done = (workers: readonly ChildScript[]): Promise<ChildMessage[]> =>
    Promise.all(workers.map((child) => child.next('done')));

  const logged = (): number => {
    try {
      return readSections(folder.path).length;
    } catch {
      return 0;
    }
  };

  it('never hold it at the same time, serve every caller, and have growing tokens', async () => {
    await start({ leaseMs: 30_000, sections: 16, sectionMs: 1 });
    for (const result of await done(children)) {
      expect(result.served).toEqual(Array.from({ length: CALLERS }, () => 16));
      expect(result.collisions).toEqual([]);
      expect(result.stats).toMatchObject({ held: 0, waiting: 0, unsettled: 0 });
    }
    const sections = readSections(folder.path);
    expect(sections).toHaveLength(PROCESSES * CALLERS * 16);
    expect(overlaps(sections)).toEqual([]);
    expect(tokensThatFell(sections)).toEqual([]);
    expect(await server.client().exists(lockKey(name))).toBe(0);
  });

  it('continue after the lease of a killed holder, and not before', async () => {
    await start({ leaseMs: 1_500, sections: 6, sectionMs: 2 });
    await waitUntil('work is under way', () => logged() > 40);
    // Stopped first: it has to be the holder at that moment, and one that is in a section.
    const victim = await waitUntil('a holder is caught in its section', async () => {
      const last = readSections(folder.path).at(-1)!;
      const child = children.find(({ pid }) => pid === last.pid)!;
      child.freeze();
      await sleep(20);
      const now = readSections(folder.path).at(-1)!;
      if (now.pid === child.pid && now.end === undefined) return child;
      child.thaw();
      return undefined;
    });
    await victim!.kill();
    const others = children.filter((child) => child !== victim);
    for (const result of await done(others)) {
      expect(result.served).toEqual(Array.from({ length: CALLERS }, () => 6));
      expect(result.collisions).toEqual([]);
    }
    const sections = readSections(folder.path);
    expect(overlaps(sections)).toEqual([]);
    expect(tokensThatFell(sections)).toEqual([]);
    const cut = sections.filter(({ end }) => end === undefined);
    expect(cut).toHaveLength(1);
    const next = sections[sections.indexOf(cut[0]!) + 1]!;
    // The lease was renewed at some time before its last third, so at least that much of it was left.
    expect(Number(next.start - cut[0]!.start) / 1e6).toBeGreaterThan(400);
  });

  it('that are suspended at random are notified of the loss, and later holders have larger tokens', async () => {
    await start({ leaseMs: 400, sections: 5, sectionMs: 3 });
    await waitUntil('work is under way', () => logged() > 10);
    const finished = done(children);
    // Fixed steps rather than dice: what differs from run to run is where in its work each pause meets a process.
    for (let round = 0; round < 6; round += 1) {
      const child = children[round % PROCESSES]!;
      child.freeze();
      await sleep([90, 650, 250, 700, 40, 550][round]);
      child.thaw();
      await sleep(60);
    }
    for (const result of await finished) {
      expect(result.served).toEqual(Array.from({ length: CALLERS }, () => 5));
      expect(result.collisions).toEqual([]);
    }
    const sections = readSections(folder.path);
    expect(sections).toHaveLength(PROCESSES * CALLERS * 5);
    // Where two overlap, the earlier one's lease was over and it could know; the later one has the larger token.
    for (const [earlier, later] of overlaps(sections)) {
      const [old] = earlier.token < later.token ? [earlier] : [later];
      expect(old).toMatchObject({ lost: true });
    }
    // A section that started late, with a token from before a pause, is one that had already lost its lock.
    for (const [, stale] of tokensThatFell(sections)) expect(stale).toMatchObject({ lost: true });
  });
});
