// Takes the pictures for the README: npm run screenshots
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../../support/wait-until.js';
import { startBrowser } from './chromium.js';
import { LaunchedShop } from './launched-shop.js';
import { LiveTab } from './live-tab.js';

const folder = new URL('../../../sample-app/lab/screenshots/', import.meta.url);
const readers = 300;

/** The results of a stampede without a guard and of one under `@WithLock`, while the catalog is rebuilt once more. */
async function pictureOfStampedes(tab: LiveTab): Promise<void> {
  for (const guard of ['none', 'with-lock']) {
    await tab.choose(guard);
    await tab.stampede(readers);
    await tab.result(guard);
  }
  await tab.slide('query', 10_000);
  await tab.slide('readers', 120);
  await tab.press('[data-post="cold"]');
  // The announcement goes after some seconds: the rebuild must take longer.
  await tab.untilQuiet();
  await waitUntil('a replica rebuilds the catalog', async () => (await tab.text('#now')).includes('wait for it'));
  await tab.page.mouse.move(0, 0);
  await tab.page.evaluate('scrollTo(0, 0)');
  const { y, height } = (await tab.page.locator('#try').boundingBox())!;
  const clip = { x: 0, y: 0, width: 1440, height: y + height + 20 };
  await tab.page.screenshot({ path: fileURLToPath(new URL('live.png', folder)), clip });
  await tab.slide('readers', 0);
  await tab.slide('query', 600);
}

/** Every system in every scenario. */
async function pictureOfSystems(tab: LiveTab): Promise<void> {
  await tab.press('[data-post="evolution/run"]');
  await tab.page.locator('#evolution-status', { hasText: 'cells tried in' }).waitFor({ timeout: 600_000 });
  await tab.untilQuiet();
  await tab.page.locator('#evolution').screenshot({ path: fileURLToPath(new URL('evolution.png', folder)) });
}

mkdirSync(folder, { recursive: true });
const shop = await LaunchedShop.start();
const browser = await startBrowser();
try {
  const tab = await LiveTab.open(browser, shop.url, { viewport: { width: 1440, height: 1120 }, colorScheme: 'light' });
  await tab.untilCondition('replica-4', 'running');
  await pictureOfStampedes(tab);
  await pictureOfSystems(tab);
} finally {
  await browser.close();
  await shop.stop();
}
