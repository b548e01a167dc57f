import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { read } from '../shop-fixture.js';
import { waitUntil } from '../../support/wait-until.js';
import { startBrowser } from './chromium.js';
import { describeInBrowser } from './describe-in-browser.js';
import { LaunchedShop } from './launched-shop.js';
import { LiveTab } from './live-tab.js';

/** Whoever kills or stops the replica at the other end breaks the stream of reports off; nothing else may fail. */
const brokenStream = /^(failed|console): .*net::ERR_(INCOMPLETE_CHUNKED_ENCODING|ABORTED).* at \/live\/events$/;

describeInBrowser('a shop with failures caused from its page', () => {
  let shop: LaunchedShop;
  let browser: Browser;
  let tab: LiveTab;

  beforeAll(async () => {
    [shop, browser] = await Promise.all([LaunchedShop.start(), startBrowser()]);
    tab = await LiveTab.open(browser, shop.url);
    await tab.untilCondition('replica-4', 'running');
    await tab.slide('readers', 0);
    await tab.slide('buyers', 0);
    await tab.slide('offers', 0);
    await tab.page.locator('#now', { hasText: 'Idle:' }).waitFor();
  });
  afterEach(() => {
    expect(tab.problems.splice(0).filter((problem) => !brokenStream.test(problem))).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await shop.stop();
  });

  it('continues with another replica and a larger token after the lock holder is killed', async () => {
    await tab.slide('query', 1_500);
    const before = await shop.lastRebuild();
    const message = await tab.press('[data-post="holder/kill"]');
    const killed = /replica-\d/.exec(message)![0];
    await tab.untilCondition(killed, 'killed', 'starting');
    await tab.card(killed).locator('.process', { hasText: 'no process, last heard' }).waitFor();
    const next = await tab.nextHolder('catalog:*', killed);
    await waitUntil('another replica rebuilds', async () => (await shop.rebuildsSince(before)).length > 1);
    const [first, second] = await shop.rebuildsSince(before);
    expect(first!.replica).toBe(killed);
    // On a busy machine the page may show a later one.
    expect([second!.replica, next]).not.toContain(killed);
    expect(second!.token!).toBeGreaterThan(first!.token!);
    expect((await read(`${shop.url}/catalog`)).status).toBe(200);
    await tab.untilCondition(killed, 'running');
    await shop.untilAllRun();
  });

  it('gives the lock of a stopped holder to another replica, and never shows the earlier holder or token again', async () => {
    await tab.page.evaluate(`(() => {
      globalThis.seen = [];
      const look = () => {
        for (const row of document.querySelectorAll('#locks tr')) {
          if (row.querySelector('th').innerText !== 'catalog:*') continue;
          const [holder, , token] = [...row.querySelectorAll('td')].map(({ innerText }) => innerText);
          const text = holder + ', token ' + token;
          if (seen.at(-1) !== text) seen.push(text);
        }
      };
      new MutationObserver(look).observe(document.querySelector('#locks'), {
        ...{ subtree: true, childList: true, characterData: true },
      });
    })()`);
    const message = await tab.press('[data-post="holder/stop"]');
    const stopped = /replica-\d/.exec(message)![0];
    const token = Number(/token (\d+)/.exec(message)![1]);
    const seen = () => tab.page.evaluate<string[]>('globalThis.seen');
    const isFree = (text: string) => text.startsWith('free (last: replica-') && Number(/\d+$/.exec(text)![0]) > token;
    await waitUntil('the next holder has released the lock', async () => (await seen()).some(isFree), 60_000);
    await tab.press(tab.card(stopped).getByRole('button', { name: 'Continue' }));
    await tab.untilCondition(stopped, 'running');

    const all = await seen();
    const tokens = all.map((text) => Number(/\d+$/.exec(text)?.[0]));
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(all.slice(all.findIndex(isFree)).filter((text) => text.startsWith(`${stopped}, silent`))).toEqual([]);
  });

  it('shows the next leader after the leader is killed, and goes on refreshing the prices', async () => {
    const leading = async () => /replica-\d/.exec(await tab.text('#leader'))?.[0];
    const first = (await waitUntil('a replica leads', leading))!;
    await tab.press(tab.card(first).getByRole('button', { name: 'Kill' }));
    const isNext = (name: string | undefined) => name !== undefined && name !== first;
    await waitUntil('another replica leads', async () => isNext(await leading()), 60_000);
    await tab.untilCondition(first, 'running');
    const ranLately = async () => /^replica-\d, (now|\d+ s ago), in /.test(await tab.text('#last-run'));
    await waitUntil('the prices were refreshed', ranLately, 60_000);
    await shop.untilAllRun();
  });

  it('continues while a replica is stopped', async () => {
    await tab.press(tab.card('replica-3').getByRole('button', { name: 'Stop' }));
    await tab.untilCondition('replica-3', 'stopped');
    for (let i = 0; i < 8; i += 1) expect((await read(`${shop.url}/health`)).status).toBe(200);
    await tab.press(tab.card('replica-3').getByRole('button', { name: 'Continue' }));
    await tab.untilCondition('replica-3', 'running');
  });

  it('continues after Redis was paused', async () => {
    await tab.press('#redis-pause');
    await tab.page.locator('#now', { hasText: 'Redis is paused' }).waitFor();
    await tab.press('#redis-pause');
    await tab.page.locator('#redis-state', { hasText: 'Redis is up' }).waitFor();
    await tab.page.locator('#now', { hasText: /Idle:|replicas answer/ }).waitFor();
  });

  it('rebuilds the catalog after a restart of Redis', async () => {
    const before = await shop.lastRebuild();
    await tab.press('[data-post="redis/restart"]');
    await tab.page.locator('#connection[data-state="connected"]').waitFor();
    for (const name of ['replica-1', 'replica-2', 'replica-3', 'replica-4']) await tab.untilCondition(name, 'running');
    await tab.slide('query', 200);
    await tab.stampede(40);
    expect(await tab.result('with-lock')).toBe(1);
    expect(await shop.rebuildsSince(before)).toHaveLength(1);
  });
});
