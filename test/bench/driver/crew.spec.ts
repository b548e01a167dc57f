import { afterEach, describe, expect, it } from '@jest/globals';
import { RedisServer, describeWithRedisServer } from '../../support/redis-server.js';
import type { Entrant } from '../contestants/index.js';
import { Crew, type CrewPlan } from './crew.js';

const plan: CrewPlan = { names: 1, callers: 2, sectionMs: 2, durationMs: 200, drainMs: 500 };
let crews: Crew[] = [];

async function start(entrant: Entrant, size: number, url = 'redis://127.0.0.1:1'): Promise<Crew> {
  const crew = await Crew.start(entrant, size, url);
  crews.push(crew);
  return crew;
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
  await Promise.all(crews.map((crew) => crew.kill()));
  crews = [];
});

describe('a crew', () => {
  it('sees overlaps between processes that have no lock', async () => {
    const crew = await start(wrong('no-lock'), 2);
    // One caller each: within a process there is nothing to see.
    const { overlaps, sections } = await crew.round({ ...plan, callers: 1 });
    expect(sections).toBeGreaterThan(0);
    expect(overlaps).toBeGreaterThan(0);
  });

  it('sees overlaps within a process that has no lock', async () => {
    const crew = await start(wrong('no-lock'), 1);
    expect((await crew.round(plan)).overlaps).toBeGreaterThan(0);
  });

  it('tells how many callers never came back', async () => {
    const crew = await start(wrong('never'), 2);
    expect(await crew.round(plan)).toMatchObject({ stuck: 4, sections: 0 });
  });

  it('says that a process ended, in a round and after it', async () => {
    const crew = await start(wrong('ends'), 1);
    await expect(crew.round(plan)).rejects.toThrow('its process ended (exit code 3)');
    await expect(crew.round(plan)).rejects.toThrow('its process ended (exit code 3)');
  });

  it('says why it cannot be started', async () => {
    await expect(start(wrong('unreachable'), 2)).rejects.toThrow('nobody there');
    await expect(start(wrong('unknown'), 1)).rejects.toThrow('has no contestant "unknown"');
  });

  it('leaves no process behind when it is closed', async () => {
    const crew = await start(wrong('no-lock'), 2);
    const { pids } = crew;
    expect(pids).toHaveLength(2);
    await crew.close();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describeWithRedisServer('a crew of this library', () => {
  it('has no overlaps, and every section of every caller on record', async () => {
    await using redis = await RedisServer.start();
    const crew = await start(own, 2, redis.url);
    const round = await crew.round({ ...plan, durationMs: 400 });
    expect(round).toMatchObject({ overlaps: 0, stuck: 0, errors: [] });
    expect(round.records).toHaveLength(round.allSections);
    expect(new Set(round.records.map(({ worker }) => worker))).toEqual(new Set([0, 1]));
    await crew.close();
  });
});
