import type { ServerResponse } from 'node:http';
import type { SupplierStatistics } from './statistics.js';

/** Requests for offers: each takes some time, and they are counted while they are under way. */
export class OfferRequests {
  private running = 0;
  private most = 0;
  private answered = 0;

  /** @param answerMs how long each request takes, in ms */
  constructor(private readonly answerMs: number) {}

  get statistics(): SupplierStatistics {
    const { running, most, answered } = this;
    return { running, most, answered };
  }

  answer(sku: string, response: ServerResponse): void {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    const timer = setTimeout(() => {
      response.removeListener('close', abandoned);
      // Before the answer: a client may send its next request as soon as it has read this one.
      this.running -= 1;
      this.answered += 1;
      const cents = 1_000 + Math.floor(Math.random() * 9_000);
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ sku, cents }));
    }, this.answerMs);
    const abandoned = (): void => {
      clearTimeout(timer);
      this.running -= 1;
    };
    response.once('close', abandoned);
  }
}
