import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Load } from './control-state.js';

const tickMs = 50;
/** The largest number of requests in flight; further ones are not sent. */
const mostAtOnce = 300;
/** Of these, for offers: the supplier answers few a second, and readers must not wait behind them. */
const mostOffersAtOnce = 100;
/** How long the load continues after the last page is closed. */
const idleMs = 10_000;

/** Sends customers at a steady rate while a page is open. */
export class LoadGenerator {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: mostAtOnce });
  private readonly timer: NodeJS.Timeout;
  private tickedAt = performance.now();
  private watchedAt = Number.NEGATIVE_INFINITY;
  private watchers = 0;
  private held = 0;
  private readonly customer = randomUUID();
  private underWay = 0;
  private dueReaders = 0;
  private dueBuyers = 0;
  private dueOffers = 0;
  private offersUnderWay = 0;

  /** @param skus what can be bought */
  constructor(
    private readonly shopUrl: string,
    private readonly skus: readonly string[],
    private load: Load,
    private readonly onChange: () => void,
  ) {
    this.timer = setInterval(() => this.tick(), tickMs);
  }

  get current(): Load {
    return this.load;
  }

  set(load: Load): string {
    this.load = load;
    this.watchedAt = performance.now();
    this.onChange();
    const { readersPerSecond, buyersPerSecond, offersPerSecond } = load;
    const until = this.watchers > 0 ? '' : `, for ${String(idleMs / 1000)} s, since no page is open`;
    const readers = `${String(readersPerSecond)} readers, ${String(buyersPerSecond)} buyers`;
    return `${readers} and ${String(offersPerSecond)} requests for an offer are sent every second${until}.`;
  }

  /** A page is open until the returned function is called. */
  watch(): () => void {
    this.watchers += 1;
    return () => {
      this.watchers -= 1;
      this.watchedAt = performance.now();
    };
  }

  /** Called when a page reads the state: it counts as open. */
  seen(): void {
    this.watchedAt = performance.now();
  }

  /** Pauses the load until the returned function is called. */
  hold(): () => void {
    this.held += 1;
    return () => {
      this.held -= 1;
    };
  }

  close(): void {
    clearInterval(this.timer);
    this.agent.destroy();
  }

  private tick(): void {
    const now = performance.now();
    // After a stall of this process, the missed requests are not sent at once.
    const seconds = Math.min(now - this.tickedAt, 10 * tickMs) / 1000;
    this.tickedAt = now;
    const watched = this.watchers > 0 || now - this.watchedAt < idleMs;
    if (!watched || this.held > 0) return;
    this.dueReaders += this.load.readersPerSecond * seconds;
    this.dueBuyers += this.load.buyersPerSecond * seconds;
    this.dueOffers += this.load.offersPerSecond * seconds;
    for (; this.dueReaders >= 1; this.dueReaders -= 1) this.read();
    for (; this.dueBuyers >= 1; this.dueBuyers -= 1) this.buy();
    for (; this.dueOffers >= 1; this.dueOffers -= 1) this.askForOffer();
  }

  private read(): void {
    this.send('GET', '/catalog');
  }

  private buy(): void {
    // Some things sell better than others.
    const sku = this.skus[Math.floor(Math.random() ** 2 * this.skus.length)];
    if (sku === undefined) return;
    const headers = {
      'Content-Type': 'application/json',
      'Customer-Token': this.customer,
      'Idempotency-Key': randomUUID(),
    };
    this.send('POST', '/orders', headers, JSON.stringify({ lines: [{ sku, quantity: 1 }] }));
  }

  private askForOffer(): void {
    const sku = this.skus[Math.floor(Math.random() * this.skus.length)];
    if (sku === undefined || this.offersUnderWay >= mostOffersAtOnce) return;
    this.offersUnderWay += 1;
    const sent = this.send('GET', `/prices/${sku}/offer`);
    if (sent === undefined) this.offersUnderWay -= 1;
    else sent.once('close', () => (this.offersUnderWay -= 1));
  }

  private send(method: string, path: string, headers: OutgoingHttpHeaders = {}, body?: string) {
    if (this.underWay >= mostAtOnce) return undefined;
    this.underWay += 1;
    const sent = request(new URL(path, this.shopUrl), { method, headers, agent: this.agent }, (response) => {
      response.on('error', () => undefined).resume();
    });
    // The shop itself reports the result.
    sent.on('error', () => undefined);
    sent.once('close', () => (this.underWay -= 1));
    return sent.end(body);
  }
}
