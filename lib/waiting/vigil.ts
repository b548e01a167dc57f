import type { LockStore, NoticeSubscription } from '../stores/lock-store.js';
import { monotonic } from '../time/clock.js';
import { onMicrotask } from '../time/ticks.js';
import { Sleep } from './sleep.js';
import { Turn } from './turn.js';

/** How things stood when a request was sent. */
export interface Outlook {
  /** Whether notices could arrive. */
  readonly listening: boolean;
  /** How many had arrived. */
  readonly notices: number;
  /** How many others were to go first. */
  readonly lacking: number;
}

/**
 * Waits for news of one lock: for notices, in turn, or for a time to pass. What is to be done `then` is begun while the
 * notice is being read: a promise between the two would be time that nobody has the lock.
 */
export class Vigil {
  private readonly sleeper = new Sleep();
  private subscription: NoticeSubscription | null = null;
  /** Counts notices, so that one that comes while a try is under way is not lost. */
  private notices = 0;
  /** Whether notices are only counted now. */
  private deaf = false;

  /** @param turn which processes go first, if this one has just had the lock */
  constructor(
    private readonly name: string,
    private readonly store: LockStore,
    private turn: Turn | null,
  ) {}

  get asleep(): boolean {
    return this.sleeper.active;
  }

  /** How long to let others go first before the first try, in ms. */
  stepBackMs(): number {
    const { turn } = this;
    return turn === null ? 0 : this.patience() - (monotonic() - turn.at);
  }

  /** Lets others go first, and gets ready to hear of theirs. */
  stepBack(ms: number, then: () => void): void {
    // Should it fail, it is tried again, and reported, after the lock was seen busy.
    this.listen().catch(() => undefined);
    this.sleep(ms, () => {
      // Where notices cannot be counted there are no turns but this one.
      if (this.heard() === undefined) this.turn = null;
      then();
    });
  }

  /** A request is about to be sent. */
  look(): Outlook {
    const heard = this.heard();
    // Where notifications already arrive, since another caller waited a moment ago, one try is enough.
    if (heard !== undefined) this.subscription ??= this.store.subscribe(this.name, this.onNotice);
    return {
      listening: this.subscription?.active ?? false,
      notices: this.notices,
      lacking: this.turn?.lacks(heard) ?? 0,
    };
  }

  /** The request was answered. */
  onTried(taken: boolean, { lacking }: Outlook): void {
    this.turn?.onTried(taken, lacking);
  }

  /** Sees to it that notices arrive. */
  async listen(): Promise<void> {
    this.subscription ??= this.store.subscribe(this.name, this.onNotice);
    if (!this.subscription.active) await this.subscription.activate();
  }

  /** Sleeps until it is this process's turn, or for as long as the holder's lease runs. */
  untilTurn({ notices }: Outlook, remainingMs: number, then: () => void): void {
    // A notice that came while the try was under way counts, too.
    const ms = this.notices === notices ? remainingMs : Math.min(this.patience(), remainingMs);
    if (ms > 0) this.sleep(ms, then);
    else then();
  }

  /** Sleeps, for no longer than it takes until a notice. */
  sleep(ms: number, then: () => void): void {
    this.sleeper.start(ms, then);
  }

  /** Sleeps whatever notices come. */
  sleepDeaf(ms: number, then: () => void): void {
    this.deaf = true;
    this.sleep(ms, () => {
      this.deaf = false;
      then();
    });
  }

  /** Something changed: look again, as soon as what changes it is done. */
  wake(): void {
    onMicrotask(this.sleeper.end);
  }

  close(): void {
    this.subscription?.close();
  }

  private heard(): number | undefined {
    return this.store.heard?.(this.name);
  }

  /** How long other processes go first from now on, in ms. */
  private patience(): number {
    return this.turn === null ? 0 : Turn.patience(this.turn.lacks(this.heard()));
  }

  private readonly onNotice = (): void => {
    this.notices += 1;
    if (this.deaf) return;
    const patience = this.patience();
    if (patience === 0) this.sleeper.end();
    else this.sleeper.endIn(patience);
  };
}
