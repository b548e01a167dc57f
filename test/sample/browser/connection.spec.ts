import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { buildSample, type BuiltSample } from '../built-sample.js';
import { waitUntil } from '../../support/wait-until.js';
import { startBrowser } from './chromium.js';
import { describeInBrowser } from './describe-in-browser.js';
import { HangingShop } from './hanging-shop.js';
import { LiveTab } from './live-tab.js';

describeInBrowser('the connection of the live page', () => {
  let built: BuiltSample;
  let shop: HangingShop;
  let browser: Browser;
  let tab: LiveTab;

  beforeAll(async () => {
    [built, browser] = await Promise.all([buildSample(), startBrowser()]);
    shop = await HangingShop.start(new URL('lab/page/', built.folder));
    tab = await LiveTab.open(browser, shop.url);
    await tab.page.locator('#connection[data-state="connected"]').waitFor();
  });
  afterAll(async () => {
    await browser.close();
    await shop.stop();
    built.remove();
  });

  it('hides the controls of a shop that has none', async () => {
    expect(await tab.page.locator('.replica').count()).toBe(1);
    expect(await tab.page.locator('.controls-only:visible, .replica button').count()).toBe(0);
    expect(tab.problems.splice(0)).toEqual([
      'answer 404 at /controls/state',
      'console: Failed to load resource: the server responded with a status of 404 (Not Found) at /controls/state',
    ]);
  });

  it('is reopened when it hangs, and the page shows that', async () => {
    const streams = shop.streams;
    shop.hangs = true;
    await tab.page.locator('#connection', { hasText: 'Not connected' }).waitFor();
    await tab.untilCondition('replica-1', 'silent');
    await tab.page.locator('#now', { hasText: 'lost its connection' }).waitFor();
    await waitUntil('the page asks for another stream', () => shop.streams > streams);
    shop.hangs = false;
    await tab.page.locator('#connection', { hasText: /^Connected/ }).waitFor();
    await tab.untilCondition('replica-1', 'running');
  });

  it('is reopened when it fails', async () => {
    const streams = shop.streams;
    shop.cut();
    await waitUntil('the page asks for another stream', () => shop.streams > streams);
    await tab.page.locator('#connection[data-state="connected"]').waitFor();
  });

  it('is closed while the tab is hidden, and opened again when it is shown', async () => {
    const hide = (hidden: boolean) =>
      tab.page.evaluate(`(() => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} });
        document.dispatchEvent(new Event('visibilitychange'));
      })()`);
    await waitUntil('one stream is open', () => shop.openStreams === 1);
    const streams = shop.streams;
    await hide(true);
    await waitUntil('the stream is closed', () => shop.openStreams === 0);
    expect(shop.streams).toBe(streams);
    await hide(false);
    await waitUntil('the stream is open again', () => shop.openStreams === 1);
    expect(shop.streams).toBe(streams + 1);
    await tab.page.locator('#connection[data-state="connected"]').waitFor();
  });

  it('stays a single connection over time', async () => {
    const streams = shop.streams;
    const shown = () => tab.text('#charts .legend');
    // A second is over when the charts move on.
    const before = await tab.page.locator('#charts canvas').first().screenshot();
    await waitUntil('the charts move on', async () => {
      const now = await tab.page.locator('#charts canvas').first().screenshot();
      return !now.equals(before);
    });
    expect(await shown()).toContain('requests');
    expect(shop.streams).toBe(streams);
  });
});
