import { Target } from './target.js';

/** The replicas, in turns. */
export class Targets {
  private readonly all: Target[];
  private turn = 0;

  constructor(urls: readonly string[]) {
    this.all = urls.map((url) => new Target(url, (target) => this.onDown(target)));
    for (const target of this.all) target.watch();
  }

  /** The order in which one request asks them: each once, those that answer first. */
  order(): Target[] {
    this.turn = (this.turn + 1) % this.all.length;
    const order = [...this.all.slice(this.turn), ...this.all.slice(0, this.turn)];
    // Those that seem to be down come last, and are asked all the same: the check may be wrong, or too old.
    return [...order.filter(({ state }) => state === 'up'), ...order.filter(({ state }) => state !== 'up')];
  }

  stop(): void {
    for (const target of this.all) target.stop();
  }

  private onDown(target: Target): void {
    // If nobody answers, the machine is busy, or there is nowhere else to go.
    if (this.all.some(({ state }) => state === 'up')) target.giveUp();
  }
}
