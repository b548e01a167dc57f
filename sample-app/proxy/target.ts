import { Agent, get } from 'node:http';
import type { ClientRequest } from 'node:http';

/**
 * `up`: it answers. `slow`: a check is late, so it gets no new requests. `down`: it does not answer at all, and what it
 * was asked is given up.
 */
export type TargetState = 'up' | 'slow' | 'down';

const checkEveryMs = 250;
const slowAfterMs = 500;
const downAfterMs = 1_000;

/** A replica, as the proxy sees it, and the requests it works on. */
export class Target {
  state: TargetState = 'up';
  private readonly running = new Set<ClientRequest>();
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private readonly timers = new Set<NodeJS.Timeout>();
  private check: ClientRequest | undefined;
  private stopped = false;

  /** @param onDown called when the target was found not to answer */
  constructor(
    readonly url: string,
    private readonly onDown: (target: Target) => void,
  ) {}

  /** Asks for a sign of life, again and again. */
  watch(): void {
    if (this.stopped) return;
    let over = false;
    // If it was us who were busy, the answer lies there already, and is read before `late` runs.
    const unless = (late: () => void) => () => setImmediate(() => over || late());
    const late = [
      this.after(
        slowAfterMs,
        unless(() => this.turn('slow')),
      ),
      this.after(
        downAfterMs,
        unless(() => check.destroy(new Error('No sign of life.'))),
      ),
    ];
    const end = (state: TargetState): void => {
      if (over) return;
      over = true;
      for (const timer of late) this.cancel(timer);
      this.turn(state);
      this.after(checkEveryMs, () => this.watch());
    };
    // Any answer will do, also that there is no such page or that its database is away: somebody is there.
    const check = get(new URL('/health/live', this.url), { agent: this.agent }, (response) => {
      response.resume();
      response.once('close', () => end('up'));
    });
    check.once('error', () => end('down'));
    this.check = check;
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.check?.destroy();
    this.agent.destroy();
  }

  /** Remembers a request that may be given up when the target is down. */
  track(request: ClientRequest): void {
    this.running.add(request);
    request.once('close', () => this.running.delete(request));
  }

  giveUp(): void {
    for (const request of this.running) request.destroy(new Error(`${this.url} does not answer.`));
  }

  private turn(state: TargetState): void {
    this.state = state;
    if (state === 'down') this.onDown(this);
  }

  private after(ms: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.stopped) action();
    }, ms);
    this.timers.add(timer);
    return timer;
  }

  private cancel(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.timers.delete(timer);
  }
}
