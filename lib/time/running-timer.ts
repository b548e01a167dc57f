import { onNextTurn } from './ticks.js';
import { Timer } from './timer.js';

const STEPS = 4;

/**
 * A timeout that counts only time in which the event loop ran: a stall of any length counts as one step. Data that
 * waits in sockets is read before each step ends, so a stalled process never mistakes its own stall for a silent
 * server.
 */
export class RunningTimer {
  private left = STEPS;
  private stopped = false;
  private readonly stepMs: number;
  private readonly timer = new Timer(() => {
    onNextTurn(this.onRead);
  });

  /** @param onDue must not throw */
  constructor(
    ms: number,
    private readonly onDue: () => void,
  ) {
    this.stepMs = Math.ceil(ms / STEPS);
    this.timer.start(this.stepMs);
  }

  stop(): void {
    this.stopped = true;
    this.timer.stop();
  }

  private readonly onRead = (): void => {
    if (this.stopped) return;
    this.left -= 1;
    if (this.left > 0) this.timer.start(this.stepMs);
    else this.onDue();
  };
}
