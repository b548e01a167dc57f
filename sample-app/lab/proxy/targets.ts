import { Target } from './target.js';
import type { TargetState } from './target.js';

const preference: Readonly<Record<TargetState, number>> = { ready: 0, 'not-ready': 1, slow: 2, down: 3 };

/** The replicas, in turns. */
export class Targets {
  private readonly all: Target[];
  private turn = 0;

  constructor(urls: readonly string[]) {
    this.all = urls.map((url) => new Target(url, (target) => this.onDown(target)));
    for (const target of this.all) target.watch();
  }

  /**
   * The order in which one request tries the replicas: each once, the ready ones first. The others come last, but are
   * tried too: the check may be wrong or too old, and if no replica is ready, one that answers is better than none.
   */
  order(): Target[] {
    this.turn = (this.turn + 1) % this.all.length;
    const order = [...this.all.slice(this.turn), ...this.all.slice(0, this.turn)];
    return order.sort((a, b) => preference[a.state] - preference[b.state]);
  }

  stop(): void {
    for (const target of this.all) target.stop();
  }

  private onDown(target: Target): void {
    // If no replica replies, the machine may be busy: try all of them.
    if (this.all.some(({ state }) => state === 'ready' || state === 'not-ready')) target.giveUp();
  }
}
