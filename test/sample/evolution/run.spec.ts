import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { findRedisProgram } from '../../../sample-app/services/find-program.js';
import { runEvolution, type EvolutionOptions } from '../../../sample-app/lab/evolution/run-evolution.js';
import { buildSample, type BuiltSample } from '../built-sample.js';
import { descendantsOf, isRunning, stoppedBelow } from '../../support/processes.js';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { redisClient, testRedisUrl } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';

describeWithRedisServer('a run of the evolution', () => {
  let built: BuiltSample;
  const run = (options: EvolutionOptions) => runEvolution({ programs: built.folder, ...options });
  const own = () => ({ redisProgram: findRedisProgram() });

  beforeAll(async () => {
    built = await buildSample();
  });
  afterAll(() => built.remove());

  it('reports the start and the end of every cell, with the present table', async () => {
    const told: string[] = [];
    const table = await run({
      ...own(),
      systems: ['none', 'stage-1'],
      scenarios: ['calm', 'late-delete'],
      parallel: 1,
      onCell: (cell, now) => {
        told.push(`${cell.system} ${cell.scenario} ${cell.state}`);
        expect(now).toMatchObject({ state: 'running' });
        expect(now.cells).toContain(cell);
      },
    });
    expect(told).toEqual(['stage-1 calm running', 'stage-1 calm done', 'none calm running', 'none calm done']);
    expect(table).toMatchObject({ state: 'done', problem: null });
    expect(table.cells.map(({ state }) => state)).toEqual(['done', 'not-applicable', 'done', 'not-applicable']);
    expect(table.tookMs).toBeGreaterThan(0);
    // What goes to the page is plain data.
    expect(JSON.parse(JSON.stringify(table))).toEqual(table);
  });

  it('is the only one at a time', async () => {
    const first = run({ ...own(), systems: ['none'], scenarios: ['calm'] });
    await expect(run(own())).rejects.toThrow('already running');
    expect((await first).state).toBe('done');
  });

  it('can be ended in the middle of a cell, and leaves no process behind, not even a suspended one', async () => {
    const before = descendantsOf(process.pid);
    const started = () => descendantsOf(process.pid).filter((pid) => !before.includes(pid) && isRunning(pid));
    const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('redis-lock-evolution-'));
    const foldersBefore = folders();
    const end = new AbortController();
    const running = run({
      ...own(),
      systems: ['stage-5', 'with-lock'],
      scenarios: ['crash', 'stale-write'],
      signal: end.signal,
    });
    await waitUntil('one of its processes is stopped', () => stoppedBelow(process.pid).length > 0);
    end.abort();
    const table = await running;
    expect(table.state).toBe('stopped');
    const states = new Set(table.cells.map(({ state }) => state));
    expect([states.has('waiting'), states.has('running')]).toEqual([true, false]);
    await waitUntil('all processes are gone', () => started().length === 0);
    await waitUntil('its folder is gone', () => folders().every((name) => foldersBefore.includes(name)));
  });

  it('uses a given Redis without a program, reports what it cannot run, and leaves no key', async () => {
    const redis = redisClient();
    const keys = async () =>
      (await redis.keys('evolution:*')).concat(await redis.keys('redisson_lock_token:{evolution:*'));
    const table = await run({
      redisUrl: testRedisUrl(),
      systems: ['stage-1', 'with-lock'],
      scenarios: ['crash', 'failover', 'partial-write'],
    });
    const stateOf = (system: string, scenario: string) =>
      table.cells.find((cell) => cell.system === system && cell.scenario === scenario)!;
    expect(stateOf('stage-1', 'crash')).toMatchObject({ state: 'done', mark: 'deadlock', asExpected: true });
    expect(stateOf('with-lock', 'crash')).toMatchObject({ state: 'done', mark: 'holds', asExpected: true });
    for (const system of ['stage-1', 'with-lock']) {
      expect(stateOf(system, 'failover')).toMatchObject({
        state: 'not-possible',
        expected: expect.stringContaining('no redis-server on the PATH'),
      });
    }
    expect(await keys()).toEqual([]);
    redis.disconnect();
  });

  it('needs one or the other, without TLS', async () => {
    await expect(run({})).rejects.toThrow('a server program, or the URL of one');
    await expect(run({ redisUrl: 'rediss://127.0.0.1' })).rejects.toThrow('cannot run over TLS');
  });

  it('reports a cell that failed to run, and continues', async () => {
    const nowhere = new URL('nowhere/', built.folder);
    const table = await runEvolution({
      ...own(),
      programs: nowhere,
      systems: ['none'],
      scenarios: ['calm', 'long-work'],
    });
    expect(table.state).toBe('done');
    for (const cell of table.cells) {
      expect(cell).toMatchObject({ state: 'failed', mark: 'not run', asExpected: false, verdict: null });
      expect(cell.seen).toContain('Cannot find module');
    }
  });
});
