import type { LockStore, NotificationSubscription } from '../stores/lock-store.js';
import { monotonic } from '../time/clock.js';
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

/** Waits until one lock may be free: for notifications, in turn, or for a time to pass. Any wait can be ended by `wake`. */
export class ReleaseWatch {
  private readonly sleeper = new Sleep();
  private subscription: NotificationSubscription | null = null;
  /** Counts notifications, so that one that comes while a try is under way is not lost. */
  private notifications = 0;
  /** Whether notifications are only counted now. */
  private deaf = false;
  /** Ends the present wait. */
  private onWake: (() => void) | null = null;

  /** @param turn which processes go first, if this one has just had the lock */
  constructor(
    private readonly name: string,
    private readonly store: LockStore,
    private turn: Turn | null,
  ) {}

  /** How long to let others go first before the first try, in ms. */
  stepBackMs(): number {
    const { turn } = this;
    return turn === null ? 0 : this.patience() - (monotonic() - turn.at);
  }

  /** Lets others go first, and subscribes meanwhile to count their releases. */
  async stepBack(ms: number): Promise<void> {
    // Should it fail, it is tried again, and reported, after the lock was seen busy.
    this.listen().catch(() => undefined);
    await this.sleep(ms);
    // Where notifications cannot be counted there are no turns but this one.
    if (this.heard() === undefined) this.turn = null;
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

  /** Resolves as soon as notifications arrive. */
  async listen(): Promise<void> {
    this.subscription ??= this.store.subscribe(this.name, this.onNotification);
    if (!this.subscription.active) await this.subscription.activate();
  }

  /** Sleeps until it is this process's turn, or for as long as the holder's lease runs. */
  async untilTurn({ notifications }: Outlook, remainingMs: number): Promise<void> {
    // A notification that came while the try was under way counts, too.
    const ms = this.notifications === notifications ? remainingMs : Math.min(this.patience(), remainingMs);
    if (ms > 0) await this.sleep(ms);
  }

  /** Sleeps, for no longer than it takes until a notification. */
  async sleep(ms: number): Promise<void> {
    await this.orWoken(this.sleeper.start(ms));
    this.sleeper.end();
  }

  /** Sleeps regardless of notifications. */
  async sleepDeaf(ms: number): Promise<void> {
    this.deaf = true;
    await this.sleep(ms);
    this.deaf = false;
  }

  /** Waits for `event`, or until `wake`: then the result is `undefined`. */
  async orWoken<T>(event: Promise<T>): Promise<T | undefined> {
    const woken = new Promise<undefined>((resolve) => {
      this.onWake = () => {
        this.onWake = null;
        resolve(undefined);
      };
    });
    try {
      return await Promise.race([event, woken]);
    } finally {
      this.onWake = null;
    }
  }

  /** Something changed: the present wait ends. `false`: there is none. */
  wake(): boolean {
    if (this.onWake === null) return false;
    this.onWake();
    return true;
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
