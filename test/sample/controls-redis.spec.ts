import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RedisControl } from '../../sample-app/lab/controls/redis-control.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { waitUntil } from '../support/wait-until.js';
import { LiveFixture } from './live-fixture.js';
import { LivePage } from './live-page.js';
import { read } from './shop-fixture.js';

describeWithRedisServer("the controls of the shop's own Redis", () => {
  let fixture: LiveFixture;
  let page: LivePage;
  const state = () => page.lastBeat.redis;

  beforeAll(async () => {
    fixture = await LiveFixture.start({ replicas: 2, delays: { gapMs: 700, pauseMs: 30_000 } });
    page = await LivePage.open(fixture.shop.url);
    await page.find('the first', () => true);
  });
  afterAll(async () => {
    page.close();
    await fixture.stop();
  });

  it('pause it: the page is notified, reports are merged without a loss, and nothing accumulates', async () => {
    expect((await fixture.control('redis/pause')).status).toBe(200);
    expect((await fixture.control('redis/pause')).status).toBe(409);
    await waitUntil('the page is told', () => state() === 'down');
    expect(fixture.controls.state.redis).toBe('paused');
    page.forget();
    // Several reports would have been due.
    await waitUntil('some time has passed', () => page.beats.length >= 4);
    expect(page.reports).toEqual([]);
    expect((await fixture.control('redis/continue')).status).toBe(200);
    await waitUntil('the page is told', () => state() === 'up');
    for (const { name } of fixture.shop.replicas) {
      await waitUntil('reports flow', () => page.of(name).length > 5);
      const [stuck, merged, ...later] = page.of(name);
      // One was under way when Redis stopped; what came after is one report.
      const periods = [stuck!.periodMs, merged!.periodMs];
      expect(Math.max(...periods)).toBeGreaterThan(1_500);
      expect(later.slice(0, 4).every(({ periodMs }) => periodMs < Math.max(...periods))).toBe(true);
      const seqs = page.of(name).map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
    }
  });

  it('restart it: the page is notified, reports arrive again, and the settings are restored', async () => {
    await fixture.control('guard', { guard: 'redisson' });
    await fixture.redis.set('something', 'to forget');
    page.forget();
    const restarted = fixture.control('redis/restart');
    await waitUntil('the page is told', () => page.beats.some(({ redis }) => redis === 'down'));
    expect(fixture.controls.state.redis).toBe('restarting');
    expect((await restarted).status).toBe(200);
    await waitUntil('the page is told', () => state() === 'up');
    await waitUntil(
      'the settings are back',
      async () => (await fixture.redis.get('settings').catch(() => null)) !== null,
    );
    expect(JSON.parse((await fixture.redis.get('settings'))!)).toMatchObject({ guard: 'redisson' });
    expect(await fixture.redis.get('something')).toBeNull();
    for (const { name } of fixture.shop.replicas) {
      const from = page.reports.length;
      await page.find('a report', ({ replica, guard }) => replica === name && guard === 'redisson', from);
    }
    await fixture.control('guard', { guard: 'with-lock' });
    await waitUntil('the shop sells again', async () => (await read(`${fixture.shop.url}/catalog`)).status === 200);
  });
});

describe('the controls of a Redis that was not started with the shop', () => {
  it('do not touch it, and give the reason', async () => {
    const control = new RedisControl({ url: '', source: 'REDIS_URL', stop: async () => {} }, () => {});
    expect(Object.keys(control.unavailable)).toEqual(['redis']);
    const why = 'was not started with the shop';
    await expect(control.restart()).rejects.toThrow(why);
    expect(() => control.pause()).toThrow(why);
    expect(() => control.continue()).toThrow(why);
    expect(control.state).toBe('up');
  });
});
