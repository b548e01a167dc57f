import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { waitUntil } from '../../support/wait-until.js';

/** Somebody at the live page. Everything that goes wrong in the browser is kept. */
export class LiveTab {
  /** Errors and warnings of the console, exceptions, requests that failed, answers with 4xx or 5xx. */
  readonly problems: string[] = [];

  private constructor(readonly page: Page) {
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      this.problems.push(`console: ${message.text()} at ${path(message.location().url)}`);
    });
    page.on('pageerror', (error) => this.problems.push(`exception: ${error.message}`));
    page.on('requestfailed', (request) => {
      this.problems.push(`failed: ${request.failure()?.errorText ?? ''} at ${path(request.url())}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) this.problems.push(`answer ${response.status()} at ${path(response.url())}`);
    });
  }

  static async open(browser: Browser, shopUrl: string, options: BrowserContextOptions = {}): Promise<LiveTab> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const tab = new LiveTab(await context.newPage());
    await tab.page.goto(`${shopUrl}/live`);
    return tab;
  }

  /** The text of an element, as it is now. */
  async text(selector: string): Promise<string> {
    return (await this.page.locator(selector).first().innerText()).trim();
  }

  card(replica: string): Locator {
    return this.page.locator(`[data-replica="${replica}"]`);
  }

  /** Waits until a replica's card says that it is in one of these conditions. */
  async untilCondition(replica: string, ...conditions: string[]): Promise<void> {
    const selector = conditions.map((condition) => `[data-replica="${replica}"][data-condition="${condition}"]`);
    await this.page.locator(selector.join(', ')).waitFor({ timeout: 40_000 });
  }

  /** Waits until the table of locks names another holder than this one, and gives its name. */
  async nextHolder(lock: string, last: string): Promise<string> {
    const cell = this.page
      .locator('#locks tr', { has: this.page.locator('th', { hasText: lock }) })
      .locator('td')
      .first();
    const name = await waitUntil('the lock has another holder', async () => {
      const text = (await cell.count()) === 0 ? '' : await cell.innerText();
      const first = /^replica-\d+/.exec(text)?.[0];
      return first === last ? undefined : first;
    });
    return name!;
  }

  async choose(guard: string): Promise<void> {
    await this.act(() => this.page.locator(`#guard-${guard}`).check());
  }

  /** Sets a slider as a hand would: it moves, and is let go. */
  async slide(id: string, value: number): Promise<void> {
    await this.act(() => this.page.locator(`#${id}`).fill(String(value)));
  }

  async stampede(readers: number): Promise<void> {
    await this.page.locator('#stampede-readers').fill(String(readers));
    await this.act(() => this.page.locator('#stampede-send').click());
  }

  async press(button: string | Locator): Promise<string> {
    return this.act(() => (typeof button === 'string' ? this.page.locator(button) : button).click());
  }

  /** Uses a control, and waits until the page tells what it did. */
  async act(use: () => Promise<void>): Promise<string> {
    const [answer] = await Promise.all([
      this.page.waitForResponse((response) => response.request().method() === 'POST'),
      use(),
    ]);
    const { message } = (await answer.json()) as { message: string };
    if (!answer.ok()) throw new Error(message);
    await this.page.locator('#announcement', { hasText: message }).waitFor();
    return message;
  }

  /** Waits for the result card of a guard and gives the number of rebuilds on it. */
  async result(guard: string): Promise<number> {
    const card = this.page.locator(`.result[data-guard="${guard}"]:not([data-outcome="running"])`);
    await card.waitFor({ timeout: 60_000 });
    return Number(await card.locator('.result-rebuilds b').innerText());
  }

  /** Waits until the last announcement is gone. */
  async untilQuiet(): Promise<void> {
    await this.page.locator('#announcement:empty').waitFor({ state: 'attached' });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

function path(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : url;
}
