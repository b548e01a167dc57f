import type { LockStore, NotificationSubscription } from '../stores/lock-store.js';
import { monotonic } from '../time/clock.js';
import { onMicrotask } from '../time/ticks.js';
import { Sleep } from './sleep.js';
import { Turn } from './turn.js';

/** How things stood when a request was sent. */
export interface Outlook {
  /** Whether notifications could arrive. */
  readonly listening: boolean;
  /** How many had arrived. */
  readonly notifications: number;
  /** How many others were to go first. */
  readonly lacking: number;
}

/**
 * Waits until one lock may be free: for notifications, in turn, or for a time to pass. `then` is called while the
 * notification is being read: a promise in between would be time in which no caller has the lock.
 */
export class ReleaseWatch {
  private readonly sleeper = new Sleep();
  private subscription: NotificationSubscription | null = null;
  /** Counts notifications, so that one that comes while a try is under way is not lost. */
  private notifications = 0;
  /** Whether notifications are only counted now. */
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
      // Where notifications cannot be counted there are no turns but this one.
      if (this.heard() === undefined) this.turn = null;
      then();
    });
  }

  /** A request is about to be sent. */
  look(): Outlook {
    const heard = this.heard();
    // Where notifications already arrive, since another caller waited a moment ago, one try is enough.
    if (heard !== undefined) this.subscription ??= this.store.subscribe(this.name, this.onNotification);
    return {
      listening: this.subscription?.active ?? false,
      notifications: this.notifications,
      lacking: this.turn?.lacks(heard) ?? 0,
    };
  }

  /** The request was answered. */
  onTried(taken: boolean, { lacking }: Outlook): void {
    this.turn?.onTried(taken, lacking);
  }

  /** Subscribes, so that notifications arrive. */
  async listen(): Promise<void> {
    this.subscription ??= this.store.subscribe(this.name, this.onNotification);
    if (!this.subscription.active) await this.subscription.activate();
  }

  /** Sleeps until it is this process's turn, or for as long as the holder's lease runs. */
  untilTurn({ notifications }: Outlook, remainingMs: number, then: () => void): void {
    // A notification that came while the try was under way counts, too.
    const ms = this.notifications === notifications ? remainingMs : Math.min(this.patience(), remainingMs);
    if (ms > 0) this.sleep(ms, then);
    else then();
  }

  /** Sleeps, for no longer than it takes until a notification. */
  sleep(ms: number, then: () => void): void {
    this.sleeper.start(ms, then);
  }

  /** Sleeps regardless of notifications. */
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

  private readonly onNotification = (): void => {
    this.notifications += 1;
    if (this.deaf) return;
    const patience = this.patience();
    if (patience === 0) this.sleeper.end();
    else this.sleeper.endIn(patience);
  };
}
