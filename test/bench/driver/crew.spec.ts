import { afterEach, describe, expect, it } from '@jest/globals';
import { RedisServer, describeWithRedisServer } from '../../support/redis-server.js';
import type { Entrant } from '../contestants/index.js';
import type { Crew, CrewPlan } from './crew.js';
import { Crews } from './crews.js';

const plan: CrewPlan = { names: 1, callers: 2, sectionMs: 2, durationMs: 200, drainMs: 500 };
let crews: Crews[] = [];

function open(url = 'redis://127.0.0.1:1'): Crews {
  const opened = new Crews(url);
  crews.push(opened);
  return opened;
}

function start(entrant: Entrant, size: number, url?: string): Promise<Crew> {
  return open(url).get(entrant, size);
}

function wrong(id: string): Entrant {
  return {
    id,
    title: id,
    file: '../testing/wrong',
    package: 'none',
    kind: 'peer',
    setting: 'default',
    client: 'none',
    exclusive: true,
    processes: 'many',
  };
}

const own: Entrant = { ...wrong('nestjs-redis-lock'), file: 'nestjs-redis-lock', kind: 'own' };

afterEach(async () => {
  await Promise.all(crews.map((each) => each.close()));
  crews = [];
});

describe('a crew', () => {
  it('detects overlaps between processes without a lock', async () => {
    const crew = await start(wrong('no-lock'), 2);
    // One caller each: within a process there is nothing to see.
    const { overlaps, sections } = await crew.round({ ...plan, callers: 1 });
    expect(sections).toBeGreaterThan(0);
    expect(overlaps).toBeGreaterThan(0);
  });

  it('detects overlaps within a process without a lock', async () => {
    const crew = await start(wrong('no-lock'), 1);
    expect((await crew.round(plan)).overlaps).toBeGreaterThan(0);
  });

  it('reports how many callers never returned', async () => {
    const crew = await start(wrong('never'), 2);
    expect(await crew.round(plan)).toMatchObject({ stuck: 4, sections: 0 });
  });

  it('reports that a process has ended, in a round and after it', async () => {
    const crew = await start(wrong('ends'), 1);
    await expect(crew.round(plan)).rejects.toThrow('its process ended (exit code 3)');
    await expect(crew.round(plan)).rejects.toThrow('its process ended (exit code 3)');
  });

  it('reports why it cannot be started', async () => {
    await expect(start(wrong('unreachable'), 2)).rejects.toThrow('nobody there');
    await expect(start(wrong('unknown'), 1)).rejects.toThrow('has no contestant "unknown"');
  });
});

describe('the crews of a run', () => {
  it('share their processes', async () => {
    const all = open();
    const [two, one] = [await all.get(wrong('no-lock'), 2), await all.get(wrong('no-lock'), 1)];
    expect(one.pids).toEqual(two.pids.slice(0, 1));
    const beyond = await all.get(wrong('no-lock'), 1, 2);
    expect(two.pids).not.toContain(beyond.pids[0]);
  });

  it('are ended if they are not needed', async () => {
    const all = open();
    const { pids } = await all.get(wrong('no-lock'), 2);
    await all.keep(1);
    expect(pids.map(alive)).toEqual([true, false]);
    await all.close();
    expect(pids.map(alive)).toEqual([false, false]);
  });

  it('are replaced after one was discarded', async () => {
    const all = open();
    const before = await all.get(wrong('no-lock'), 1);
    await all.discard(before);
    expect(before.pids.map(alive)).toEqual([false]);
    expect((await all.get(wrong('no-lock'), 1)).pids).not.toEqual(before.pids);
  });

  it('do not try twice to start a contestant', async () => {
    const all = open();
    await expect(all.get(wrong('unreachable'), 1)).rejects.toThrow('nobody there');
    await expect(all.get(wrong('unreachable'), 4)).rejects.toThrow('nobody there');
  });
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describeWithRedisServer('a crew of this library', () => {
  it('has no overlaps, and records every section of every caller', async () => {
    await using redis = await RedisServer.start();
    const crew = await start(own, 2, redis.url);
    const round = await crew.round({ ...plan, durationMs: 400 });
    expect(round).toMatchObject({ overlaps: 0, stuck: 0, errors: [] });
    expect(round.records).toHaveLength(round.allSections);
    // Redis tells clients apart by where they come from: two connections a process.
    expect(new Set(round.ports).size).toBe(4);
    expect(new Set(round.records.map(({ worker }) => worker))).toEqual(new Set([0, 1]));
    // Its processes end with the server still there.
    await Promise.all(crews.map((each) => each.close()));
  });
});
