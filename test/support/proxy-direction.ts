import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Flow = 'pass' | 'drop' | 'hold';

/** One way through a `TcpProxy`, for all its connections. */
export class ProxyDirection {
  delayMs = 0;
  private flow: Flow = 'pass';
  private held: (() => void)[] = [];
  private readonly watchers = new Set<{ text: string; seen: () => void }>();

  setFlow(flow: Flow): void {
    this.flow = flow;
    if (flow === 'hold') return;
    const held = this.held;
    this.held = [];
    if (flow === 'pass') for (const deliver of held) deliver();
  }

  /** @param passes whether this connection still carries anything */
  connect(from: Socket, to: Socket, passes: () => boolean = () => true): void {
    // Chunks of one connection leave one after another, also when the delay changes in between.
    let line: Promise<unknown> = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      if (this.flow === 'drop' || !passes()) return;
      const deliver = (): void => {
        const due = Date.now() + this.delayMs;
        line = line.then(async () => {
          const left = due - Date.now();
          if (left > 0) await sleep(left);
          if (!to.destroyed) to.write(chunk);
          this.notice(chunk);
        });
      };
      if (this.flow === 'hold') this.held.push(deliver);
      else deliver();
    });
  }

  untilPassed(text: string): Promise<void> {
    return new Promise((resolve) => {
      const watcher = {
        text,
        seen: () => {
          this.watchers.delete(watcher);
          resolve();
        },
      };
      this.watchers.add(watcher);
    });
  }

  private notice(chunk: Buffer): void {
    for (const watcher of [...this.watchers]) if (chunk.includes(watcher.text)) watcher.seen();
  }
}
