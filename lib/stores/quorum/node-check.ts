import type { LockError } from '../../errors/index.js';
import { monotonic } from '../../time/clock.js';
import { Timer } from '../../time/timer.js';

/** The pauses between tests of a node that is connected but fails them, in ms. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
/** A node that passed is tested again after a refused request, but not sooner than this, in ms. */
const DOUBT_MS = 30_000;

/**
 * Tests one node at start-up, and repeats a failed test until it succeeds. A node that cannot be reached at start-up is
 * tested when it is connected, so that a missing permission is reported before other nodes fail.
 */
export class NodeCheck {
  /** Why the last test failed. */
  problem: LockError | undefined;
  private attempt: Promise<void> | null = null;
  private timeoutMs = 0;
  private state: 'idle' | 'failing' | 'passed' | 'closed' = 'idle';
  private passedAt = 0;
  private pause = FIRST_PAUSE_MS;
  private readonly repeat = new Timer(() => {
    this.again();
  }, false);

  /**
   * @param test rejects with a `LockError`
   * @param connected whether the node can be tested now
   * @param onChange runs when the result may have changed
   */
  constructor(
    private readonly test: (timeoutMs: number) => Promise<void>,
    private readonly connected: () => boolean,
    private readonly onChange: () => void,
  ) {}

  /** Whether the first test is still running. */
  get pending(): boolean {
    return this.attempt !== null && this.state === 'idle';
  }

  run(timeoutMs: number): Promise<void> {
    this.timeoutMs = timeoutMs;
    if (this.state === 'passed') return Promise.resolve();
    this.repeat.stop();
    this.attempt ??= this.begin();
    return this.attempt;
  }

  /** Called when the node is connected again. */
  onReady(): void {
    this.pause = FIRST_PAUSE_MS;
    if (this.state === 'failing') this.again();
  }

  /**
   * Called when the node refused a request permanently: a permission was withdrawn, or one lock's key has other data.
   */
  onRefused(): void {
    if (this.state !== 'passed' || monotonic() - this.passedAt < DOUBT_MS) return;
    this.state = 'failing';
    this.again();
  }

  close(): void {
    this.state = 'closed';
    this.repeat.stop();
  }

  private async begin(): Promise<void> {
    try {
      await this.test(this.timeoutMs);
      this.end('passed', undefined);
    } catch (error) {
      this.end('failing', error as LockError);
      throw error;
    }
  }

  private end(state: 'passed' | 'failing', problem: LockError | undefined): void {
    this.attempt = null;
    if (this.state === 'closed') return;
    this.state = state;
    this.passedAt = monotonic();
    this.problem = problem;
    this.onChange();
    if (state === 'passed' || !this.connected()) return;
    this.repeat.start(this.pause);
    this.pause = Math.min(2 * this.pause, MAX_PAUSE_MS);
  }

  private again(): void {
    this.run(this.timeoutMs).catch(() => undefined);
  }
}
