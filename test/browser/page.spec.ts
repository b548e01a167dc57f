import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { violations } from './axe.js';
import { startBrowser } from './chromium.js';
import { describeInBrowser } from './describe-in-browser.js';
import { LaunchedShop } from './launched-shop.js';
import { LiveTab } from './live-tab.js';
import { screenshot } from './screenshot.js';

describeInBrowser('the live page', () => {
  let shop: LaunchedShop;
  let browser: Browser;
  let tab: LiveTab;

  beforeAll(async () => {
    [shop, browser] = await Promise.all([LaunchedShop.start(), startBrowser()]);
    tab = await LiveTab.open(browser, shop.url);
  });
  afterAll(async () => {
    await browser.close();
    await shop.stop();
  });

  it('shows four replicas that run, and what they serve', async () => {
    for (const name of ['replica-1', 'replica-2', 'replica-3', 'replica-4']) await tab.untilCondition(name, 'running');
    expect(await tab.page.locator('.replica').count()).toBe(4);
    expect(await tab.text('#connection')).toBe('Connected');
    await tab.slide('readers', 100);
    await tab.page.locator('#now', { hasText: /4 replicas answer \d+ requests a second/ }).waitFor();
  });

  it('shows as many rebuilds without a guard as the database counts, which is more than one', async () => {
    await tab.slide('readers', 0);
    await tab.choose('none');
    const before = await shop.lastRebuild();
    await tab.stampede(100);
    const shown = await tab.result('none');
    expect(shown).toBeGreaterThan(1);
    expect(shown).toBe((await shop.rebuildsSince(before)).length);
    expect(shown).toBe((await shop.state()).stampede?.rebuilds);
  });

  it('shows one rebuild under @WithLock, beside the result without a guard', async () => {
    await tab.choose('with-lock');
    const before = await shop.lastRebuild();
    await tab.stampede(100);
    expect(await tab.result('with-lock')).toBe(1);
    expect(await shop.rebuildsSince(before)).toHaveLength(1);
    expect(await tab.page.locator('.result').count()).toBe(2);
    await tab.page.locator('#log li', { hasText: 'began to rebuild' }).first().waitFor();
  });

  it('reaches every control by the Tab key, in the order of the page', async () => {
    const all = await tab.page.evaluate(`(() => {
      const stops = [...document.querySelectorAll('a[href], button, input, [tabindex="0"]')].filter(
        (element) => element.checkVisibility() && element.tabIndex >= 0 && !element.disabled,
      );
      // Of radio buttons only the one that is chosen is a stop.
      const reachable = stops.filter((element) => element.type !== 'radio' || element.checked);
      reachable.forEach((element, index) => element.setAttribute('data-stop', String(index)));
      document.activeElement?.blur();
      scrollTo(0, 0);
      return reachable.length;
    })()`);
    expect(all).toBeGreaterThan(25);
    const stops: number[] = [];
    await tab.page.mouse.click(2, 2);
    for (let i = 0; i < Number(all); i += 1) {
      await tab.page.keyboard.press('Tab');
      stops.push(Number(await tab.page.evaluate('document.activeElement.dataset.stop')));
    }
    expect(stops).toEqual(Array.from({ length: Number(all) }, (_, index) => index));
  });

  it('shows where the keyboard is', async () => {
    await tab.page.locator('#stampede-readers').focus();
    await tab.page.keyboard.press('Tab');
    const outline = await tab.page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
  });

  it('says why something cannot be done', async () => {
    await tab.slide('query', 0);
    await tab.page.locator('[data-post="holder/kill"]').click();
    await tab.page.locator('#announcement[data-done="no"]', { hasText: 'nobody can be caught at it' }).waitFor();
    // The browser tells of such an answer, too.
    const told = tab.problems.splice(0);
    expect(told.filter((problem) => !problem.endsWith('/controls/holder/kill'))).toEqual([]);
    await tab.slide('query', 600);
  });

  it.each([320, 390, 768, 1440])('does not scroll sideways at %i px', async (width) => {
    await tab.page.setViewportSize({ width, height: 900 });
    expect(await tab.page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  for (const width of [390, 1440]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`has no flaw that axe finds at ${width} px, ${colorScheme}`, async () => {
        await tab.page.setViewportSize({ width, height: 900 });
        await tab.page.emulateMedia({ colorScheme });
        expect(await violations(tab.page)).toEqual([]);
        await screenshot(tab.page, `page-${width}-${colorScheme}`);
      });
    }
  }

  it('keeps the theme that somebody chose', async () => {
    await tab.page.emulateMedia({ colorScheme: 'light' });
    const background = () => tab.page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await background();
    await tab.page.locator('#theme').click();
    await tab.page.locator('#theme').click();
    expect(await tab.text('#theme')).toBe('Theme: dark');
    expect(await background()).not.toBe(light);
    await tab.page.reload();
    expect(await tab.text('#theme')).toBe('Theme: dark');
    expect(await background()).not.toBe(light);
  });

  it('fills the table of systems and scenarios, and tells about the cell that is chosen', async () => {
    await tab.press('[data-post="evolution/run"]');
    const holds = tab.page.locator('#evolution-table [data-verdict="holds"]');
    const fails = tab.page.locator('#evolution-table [data-verdict="fails"]');
    await holds.first().waitFor();
    await fails.first().click();
    const details = await tab.text('#evolution-details');
    const cells = (await shop.evolution()).cells.filter(({ verdict }) => verdict === 'fails');
    expect(cells.some(({ seen, mark }) => details.includes(seen!) && details.includes(mark))).toBe(true);
    expect(await tab.text('#evolution-status')).toMatch(/^\d+ of \d+ cells tried\.$/);

    // From cell to cell by the arrow keys; the table is one stop of the Tab key.
    const place = () =>
      tab.page.evaluate<[number, number]>(`(() => {
        const cell = document.activeElement.closest('td');
        return [cell.parentElement.rowIndex, cell.cellIndex];
      })()`);
    const [row, column] = await place();
    await tab.page.keyboard.press('ArrowDown');
    expect(await place()).toEqual([row + 1, column]);
    await tab.page.keyboard.press('Home');
    expect(await place()).toEqual([row + 1, 1]);
    expect(await tab.page.locator('#evolution-table [tabindex="0"]').count()).toBe(1);
    expect(await violations(tab.page)).toEqual([]);
  });

  it('had no error in the console and no request that failed', () => {
    // Whoever loads the page anew leaves the streams of the old one.
    const streams = /^failed: net::ERR_ABORTED at \/(live|controls)\/events$/;
    expect(tab.problems.filter((problem) => !streams.test(problem))).toEqual([]);
  });
});
