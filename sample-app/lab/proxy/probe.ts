import { Agent, get } from 'node:http';
import type { ClientRequest } from 'node:http';

/** A status code, or `late`: no answer yet, or `none`: no connection, or no answer within the limit. */
export type ProbeResult = number | 'late' | 'none';

export interface ProbeLimits {
  /** After this time without an answer the result is `late`, in ms. */
  readonly lateMs: number;
  /** After this time without an answer the result is `none`, in ms. */
  readonly noneMs: number;
}

const everyMs = 250;

/** Requests one path of a replica at regular intervals and reports each result. */
export class Probe {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private readonly timers = new Set<NodeJS.Timeout>();
  private request: ClientRequest | undefined;
  private stopped = false;

  constructor(
    private readonly url: URL,
    private readonly limits: ProbeLimits,
    private readonly onResult: (result: ProbeResult) => void,
  ) {}

  start(): void {
    if (this.stopped) return;
    let over = false;
    // If this process was busy, the answer is already in the socket: it is read before `late` runs.
    const unlessAnswered = (late: () => void) => () => setImmediate(() => over || late());
    const timers = [
      this.after(
        this.limits.lateMs,
        unlessAnswered(() => this.onResult('late')),
      ),
      this.after(
        this.limits.noneMs,
        unlessAnswered(() => request.destroy(new Error('No answer.'))),
      ),
    ];
    const end = (result: ProbeResult): void => {
      if (over || this.stopped) return;
      over = true;
      for (const timer of timers) this.cancel(timer);
      this.onResult(result);
      this.after(everyMs, () => this.start());
    };
    const request = get(this.url, { agent: this.agent }, (response) => {
      response.resume();
      response.once('close', () => end(response.statusCode ?? 'none'));
    });
    request.once('error', () => end('none'));
    this.request = request;
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.request?.destroy();
    this.agent.destroy();
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
