import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { asc } from 'drizzle-orm';
import { rebuilds } from '../../sample-app/lab/rebuilds/rebuilds-table.js';
import type { ControlState } from '../../sample-app/lab/controls/control-state.js';
import { waitUntil } from '../support/wait-until.js';
import { LiveFixture } from './live-fixture.js';
import { LivePage } from './live-page.js';
import { read, readMany } from './shop-fixture.js';

const names = ['replica-1', 'replica-2', 'replica-3'];

describe('the controls of a shop', () => {
  let fixture: LiveFixture;
  let page: LivePage;
  let controls: LivePage;

  beforeAll(async () => {
    fixture = await LiveFixture.start({
      replicas: 3,
      env: { CATALOG_QUERY_MS: '600', LOCK_LEASE_MS: '1500' },
      delays: { restartMs: 500, continueMs: 3_000 },
    });
  });
  beforeEach(async () => {
    await fixture.control('cold');
    page = await LivePage.open(fixture.shop.url);
    controls = await LivePage.ofControls(fixture.shop.url);
  });
  afterEach(() => {
    page.close();
    controls.close();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  const state = async (what: string, matches: (state: ControlState) => boolean) =>
    (await waitUntil(`the controls show ${what}`, () => controls.states.find(matches)))!;
  const conditionOf = (name: string) => (it: ControlState) =>
    it.replicas.find((replica) => replica.name === name)!.state;
  const untilAllRun = () =>
    waitUntil('all run', () => controls.states.at(-1)!.replicas.every((replica) => replica.state === 'running'));
  const allReport = async (guard: string, queryMs: number) => {
    for (const name of names) {
      await page.next(
        `${guard} on ${name}`,
        (it) => it.replica === name && it.guard === guard && it.queryMs === queryMs,
      );
    }
  };

  it('change the guard and the query on all replicas, including one that is started later', async () => {
    expect(await fixture.control('guard', { guard: 'none' })).toEqual({
      status: 200,
      message: 'The catalog is now guarded by: no guard.',
    });
    expect((await fixture.control('query', { ms: 450 })).status).toBe(200);
    await allReport('none', 450);
    await state('both', ({ guard, queryMs }) => guard === 'none' && queryMs === 450);

    const before = page.of('replica-2').at(-1)!.pid;
    expect((await fixture.control('replicas/replica-2/kill')).status).toBe(200);
    await page.next('the new process', ({ replica, pid, guard, queryMs }) => {
      return replica === 'replica-2' && pid !== before && guard === 'none' && queryMs === 450;
    });
    await untilAllRun();
    await fixture.control('guard', { guard: 'with-lock' });
    await fixture.control('query', { ms: 600 });
    await allReport('with-lock', 600);
  });

  it('send a stampede, which rebuilds once under @WithLock and often without a guard', async () => {
    const guarded = await fixture.control('stampede', { readers: 40 });
    expect(guarded).toEqual({ status: 200, message: expect.stringContaining('rebuilt once (@WithLock)') });
    const shown = await state('the end', ({ stampede }) => stampede?.lastMs !== undefined && stampede.lastMs !== null);
    expect(shown.stampede).toMatchObject({ guard: 'with-lock', readers: 40, served: 40, errors: 0, rebuilds: 1 });
    expect(controls.states.some(({ stampede }) => stampede !== null && stampede.lastMs === null)).toBe(true);

    await fixture.control('guard', { guard: 'none' });
    await allReport('none', 600);
    expect((await fixture.control('stampede', { readers: 40 })).status).toBe(200);
    const unguarded = await state('many', ({ stampede }) => stampede?.guard === 'none' && stampede.lastMs !== null);
    expect(unguarded.stampede!.rebuilds).toBeGreaterThan(3);
    await fixture.control('guard', { guard: 'with-lock' });
    await allReport('with-lock', 600);
  });

  it('kill the lock holder in the middle of its rebuild, and the other replicas continue', async () => {
    await fixture.database.database.delete(rebuilds);
    const { status, message } = await fixture.control('holder/kill');
    expect(status).toBe(200);
    const [, name, token] = /^(\S+) was in the middle of a rebuild, with the lock and token (\d+)\./.exec(message)!;
    await state('that it is gone', (it) => conditionOf(name!)(it) === 'killed');

    // Who waited is served by the others once the lease is over.
    const answers = await readMany(`${fixture.shop.url}/catalog`, 6);
    expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200));
    const [broken, whole] = await fixture.database.database.select().from(rebuilds).orderBy(asc(rebuilds.id));
    expect(broken).toMatchObject({ replica: name, token: Number(token), ended: null });
    expect(whole).toMatchObject({ replica: expect.not.stringMatching(name!), ended: expect.any(Date) });
    expect(whole!.token).toBeGreaterThan(Number(token));
    await untilAllRun();
  });

  it('stop the lock holder, which continues by itself without a stale write', async () => {
    const { status, message } = await fixture.control('holder/stop');
    expect(status).toBe(200);
    const name = message.split(' ')[0]!;
    await state('that it stands still', (it) => conditionOf(name)(it) === 'stopped');
    const other = await read(`${fixture.shop.url}/catalog`);
    expect(other.status).toBe(200);
    expect(other.replica).not.toBe(name);
    // It lost its lock, and tells so when it is back.
    await page.find(
      'the loss',
      ({ replica, events }) => replica === name && events.some(({ type }) => type === 'lost'),
    );
    await untilAllRun();
  });

  it.each(['kill', 'stop'])('%s the replica that serves the page, which then uses another one', async (verb) => {
    const served = page.lastBeat.replica;
    expect((await fixture.control(`replicas/${served}/${verb}`)).status).toBe(200);
    await waitUntil('another one serves it', () => page.lastBeat.replica !== served);
    page.forget();
    for (const name of names) if (name !== served) await page.find('a report', ({ replica }) => replica === name);
    if (verb === 'stop') expect((await fixture.control(`replicas/${served}/continue`)).status).toBe(200);
    await page.find('that it is back', ({ replica }) => replica === served);
    await untilAllRun();
  });

  it('reject what is not possible now', async () => {
    const refused = async (path: string, body: object = {}) => {
      const { status, message } = await fixture.control(path, body);
      expect(message).toMatch(/^.{10,}\.$/);
      return status;
    };
    expect(await refused('replicas/replica-1/start')).toBe(409);
    expect(await refused('replicas/replica-1/continue')).toBe(409);
    expect(await refused('replicas/replica-9/kill')).toBe(404);
    expect(await refused('redis/continue')).toBe(409);
    expect(await refused('guard', { guard: 'stage-9' })).toBe(400);
    expect(await refused('query', { ms: 10_001 })).toBe(400);
    expect(await refused('load', { readersPerSecond: 501, buyersPerSecond: 0, offersPerSecond: 0 })).toBe(400);
    expect(await refused('stampede', { readers: 0 })).toBe(400);
    await fixture.control('query', { ms: 100 });
    expect(await refused('holder/kill')).toBe(409);
    await fixture.control('query', { ms: 600 });
  });

  it('send readers and buyers', async () => {
    const placed = () => page.reports.reduce((sum, { orders }) => sum + orders.placed, 0);
    const hits = () => page.reports.reduce((sum, { cache }) => sum + cache.hits, 0);
    await fixture.control('load', { readersPerSecond: 40, buyersPerSecond: 20, offersPerSecond: 20 });
    await waitUntil('they come', () => placed() > 5 && hits() > 10);
    expect(
      (await fixture.control('load', { readersPerSecond: 0, buyersPerSecond: 0, offersPerSecond: 0 })).status,
    ).toBe(200);
    await state('the load', ({ load }) => load.buyersPerSecond === 20);
    await waitUntil('nobody comes', () => controls.states.at(-1)!.load.buyersPerSecond === 0);
  });

  it('run the scenarios, and show the table as it fills', async () => {
    const before = await (await fetch(`${fixture.shop.url}/controls/evolution`)).json();
    expect(before).toMatchObject({ state: 'never-run', cells: [{ state: 'waiting' }, { state: 'waiting' }] });
    expect((await fixture.control('evolution/run')).status).toBe(200);
    expect((await fixture.control('evolution/run')).status).toBe(409);
    const table = await waitUntil('it is done', () => controls.tables.find((it) => it.state === 'done'), 60_000);
    expect(table!.cells.map(({ state: how, asExpected }) => [how, asExpected])).toEqual([
      ['done', true],
      ['done', true],
    ]);
    expect(controls.tables.map((it) => it.state)).toEqual(expect.arrayContaining(['never-run', 'running', 'done']));
    expect((await fixture.control('evolution/run')).status).toBe(200);
  });
});
