import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { violations } from './axe.js';
import { startBrowser } from './chromium.js';
import { describeInBrowser } from './describe-in-browser.js';
import { LaunchedShop } from './launched-shop.js';
import { LiveTab } from './live-tab.js';
import { screenshot } from './screenshot.js';

/**
 * A page that is loaded again breaks off what the old one was reading, and the proxy breaks the stream of a replica off
 * that does not answer in time on a busy machine.
 */
const left =
  /^(failed|console): .*net::ERR_(INCOMPLETE_CHUNKED_ENCODING|ABORTED).* at \/(live\/events|controls\/(state|evolution))$/;

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

  it('shows four running replicas, and the requests that they serve', async () => {
    for (const name of ['replica-1', 'replica-2', 'replica-3', 'replica-4']) await tab.untilCondition(name, 'running');
    expect(await tab.page.locator('.replica').count()).toBe(4);
    expect(await tab.text('#connection')).toBe('Connected');
    await tab.slide('readers', 100);
    await tab.page.locator('#now', { hasText: /4 replicas answer \d+ requests a second/ }).waitFor();
  });

  it('shows how many permits of the supplier are taken, by which replica, and what the supplier has counted', async () => {
    await tab.slide('offers', 50);
    await tab.page.locator('#permits', { hasText: /^3 of 3$/ }).waitFor();
    await tab.page.locator('#permit-waiting', { hasText: /^[1-9]\d*$/ }).waitFor();
    const counts = /^replica-1: \d+, replica-2: \d+, replica-3: \d+, replica-4: \d+$/;
    for (const id of ['#permit-holders', '#permit-waiters']) await tab.page.locator(id, { hasText: counts }).waitFor();
    await tab.page.locator('#supplier', { hasText: /^\d now, 3 at most; \d+ requests answered$/ }).waitFor();
    await tab.slide('offers', 0);
    await tab.page.locator('#permits', { hasText: /^0 of 3$/ }).waitFor();
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

  it('keeps the results after a reload', async () => {
    await tab.page.reload();
    await tab.page.locator('.result[data-guard="with-lock"]').waitFor();
    expect(await tab.page.locator('.result').count()).toBe(2);
    expect(await tab.result('none')).toBe((await shop.state()).results.find(({ guard }) => guard === 'none')!.rebuilds);
  });

  it('leaves connections for other requests when it is open in four tabs', async () => {
    const tabs = [tab.page];
    for (let i = 0; i < 3; i += 1) {
      const next = await tab.page.context().newPage();
      await next.goto(`${shop.url}/live`);
      await next.locator('#connection[data-state="connected"]').waitFor();
      await next.locator('#try').waitFor();
      tabs.push(next);
    }
    const asked = tabs.map((each) => each.evaluate('fetch("/health/live").then(({ status }) => status)'));
    expect(await Promise.all(asked)).toEqual([200, 200, 200, 200]);
    for (const each of tabs.slice(1)) await each.close();
  }, 240_000);

  it('keeps the present state visible at every button, and the details of a cell visible at the cell', async () => {
    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 390, height: 844 },
    ]) {
      await tab.page.setViewportSize(viewport);
      for (const button of ['#stampede-send', '[data-post="holder/stop"]', '[data-post="evolution/run"]']) {
        await tab.page.locator(button).scrollIntoViewIfNeeded();
        const { y, height } = (await tab.page.locator('#now').boundingBox())!;
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y + height).toBeLessThanOrEqual(viewport.height);
        expect(height).toBeLessThan(viewport.height / 8);
      }
      const cell = tab.page.locator('#evolution-table tbody tr:nth-child(2) td button').first();
      await cell.click();
      const details = (await tab.page.locator('#evolution-details').boundingBox())!;
      expect(details.y + details.height).toBeLessThanOrEqual(viewport.height);
      expect(details.y).toBeGreaterThan(0);
      await cell.click();
    }
    await tab.page.setViewportSize({ width: 1440, height: 900 });
  });

  it('gives every control the focus by the Tab key, in the order of the page', async () => {
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

  it('shows the focus', async () => {
    await tab.page.locator('#stampede-readers').focus();
    await tab.page.keyboard.press('Tab');
    const outline = await tab.page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
  });

  it('shows why a control is not possible', async () => {
    await tab.slide('query', 0);
    await tab.page.locator('[data-post="holder/kill"]').click();
    await tab.page.locator('#announcement[data-done="no"]', { hasText: 'too short to act on its replica' }).waitFor();
    await tab.page.setViewportSize({ width: 390, height: 844 });
    // Less than a tenth of a phone.
    expect((await tab.page.locator('#announcement').boundingBox())!.height).toBeLessThan(84);
    await tab.page.setViewportSize({ width: 1440, height: 900 });
    // The browser tells of such an answer, too.
    const told = tab.problems.splice(0);
    const others = told.filter((problem) => !problem.endsWith('/controls/holder/kill') && !left.test(problem));
    expect(others).toEqual([]);
    await tab.slide('query', 600);
  });

  it.each([320, 390, 768, 1440])('does not scroll sideways at %i px', async (width) => {
    await tab.page.setViewportSize({ width, height: 900 });
    expect(await tab.page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  for (const width of [390, 1440]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`passes the accessibility checks of axe at ${width} px, ${colorScheme}`, async () => {
        await tab.page.setViewportSize({ width, height: 900 });
        await tab.page.emulateMedia({ colorScheme });
        expect(await violations(tab.page)).toEqual([]);
        await screenshot(tab.page, `page-${width}-${colorScheme}`);
      });
    }
  }

  it('keeps the selected theme', async () => {
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

  it('fills the table of systems and scenarios, and shows the details of the selected cell', async () => {
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
    expect(tab.problems.filter((problem) => !left.test(problem))).toEqual([]);
  });
});
