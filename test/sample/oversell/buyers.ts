import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from './replicas.js';

export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

/** What a buyer was told in the end. */
export interface Purchase {
  readonly key: string;
  readonly lines: readonly Line[];
  readonly end: 'placed' | 'sold-out';
  /** The order's id, where it was placed. */
  readonly id: number | null;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly id?: number; readonly code?: string };
}

/** A replica that does not answer in this time may be stopped: the buyer asks another one. */
const patienceMs = 1_500;
/** And asks that one no more for as long, as a proxy would. */
const avoidMs = 1_000;

/** Buyers who do not give up: whoever gets no answer, or is told to try again, sends the same order with the same key. */
export class Buyers {
  readonly purchases: Purchase[] = [];
  /** Answers that never came, and orders that were sent again for another reason. */
  readonly counts = { lost: 0, tryAgain: 0, askedTwice: 0 };
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
  private readonly avoidedUntil = new Map<string, number>();
  private turn = 0;
  /** Orders that were begun so far. */
  begun = 0;

  constructor(
    private readonly replicas: readonly Running[],
    private readonly choose: (index: number) => readonly Line[],
  ) {}

  /** Lets `count` buyers buy one thing after another for as long as `more` says so. */
  async buy(count: number, more: () => boolean): Promise<void> {
    const one = async (): Promise<void> => {
      while (more()) {
        const index = this.begun++;
        await this.buyOne(index);
      }
    };
    await Promise.all(Array.from({ length: count }, one));
    this.agent.destroy();
  }

  private async buyOne(index: number): Promise<void> {
    const key = randomUUID();
    const lines = this.choose(index);
    const answer = await this.insist(key, lines);
    const end = answer.status === 409 ? 'sold-out' : 'placed';
    const id = answer.body.id ?? null;
    this.purchases.push({ key, lines, end, id });
    // Some ask once more although they were answered.
    if (end !== 'placed' || index % 20 !== 0) return;
    this.counts.askedTwice += 1;
    const again = await this.insist(key, lines);
    if (again.status !== 200 || again.body.id !== id) throw new Error(`Another answer: ${JSON.stringify(again)}`);
  }

  private async insist(key: string, lines: readonly Line[]): Promise<Answer> {
    for (;;) {
      const answer = await this.ask(key, JSON.stringify({ lines }));
      if (answer === null) {
        this.counts.lost += 1;
        await sleep(50);
        continue;
      }
      const { status, body } = answer;
      if (status === 200 || status === 201 || body.code === 'SOLD_OUT') return answer;
      if (status !== 503 && body.code !== 'LOCK_BUSY') throw new Error(`Not expected: ${JSON.stringify(answer)}`);
      this.counts.tryAgain += 1;
      await sleep(50);
    }
  }

  /** `null` if the answer was lost. */
  private ask(key: string, body: string): Promise<Answer | null> {
    const url = this.nextUrl();
    return new Promise((resolve) => {
      const lost = (): void => {
        this.avoidedUntil.set(url, performance.now() + avoidMs);
        resolve(null);
      };
      const sent = request(`${url}/orders`, {
        method: 'POST',
        agent: this.agent,
        timeout: patienceMs,
        headers: {
          'Content-Type': 'application/json',
          'Customer-Token': 'the-buyer-of-this-test',
          'Idempotency-Key': key,
          'Content-Length': body.length,
        },
      });
      sent.on('timeout', () => sent.destroy()).on('error', lost);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', lost).on('end', () => {
          resolve({ status: response.statusCode!, body: JSON.parse(text) as Answer['body'] });
        });
      });
      sent.end(body);
    });
  }

  private nextUrl(): string {
    const now = performance.now();
    for (let tried = 1; ; tried += 1) {
      const { url } = this.replicas[this.turn++ % this.replicas.length]!;
      if ((this.avoidedUntil.get(url) ?? 0) <= now || tried === this.replicas.length) return url;
    }
  }
}
