import type { KindStore, NotificationSubscription } from '../stores/lock-store.js';
import { monotonic } from '../time/clock.js';
import { Sleep } from './sleep.js';
import { Turn } from './turn.js';

/** A subscription that was requested this long ago is late, in ms. */
const SLOW_SUBSCRIPTION_MS = 1_000;

/** The state of the notifications when a request was sent. */
export interface Outlook {
  /** Whether notifications could arrive. */
  readonly listening: boolean;
  /** How many notifications had arrived. */
  readonly notifications: number;
  /** How many other processes were ahead of this one. */
  readonly lacking: number;
}

/** Waits until one lock may be free: for notifications or for a time. `wake` ends every wait. */
export class ReleaseWatch {
  private readonly sleeper = new Sleep();
  private subscription: NotificationSubscription | null = null;
  /** When it was created, on the monotonic clock. */
  private subscribedAt = 0;
  /** Counts notifications, so that one that arrives during an attempt is not missed. */
  private notifications = 0;
  /** Whether notifications are counted but do not end the wait. */
  private deaf = false;
  /** Ends the current wait. */
  private onWake: (() => void) | null = null;

  /**
   * @param turn the estimate of which processes go first; `null` if this process does not yield
   * @param owner the owner that asks for the lock
   */
  constructor(
    private readonly name: string,
    private readonly store: KindStore,
    private turn: Turn | null,
    private readonly owner: () => string,
  ) {}

  /** How long to yield before the first attempt, in ms. */
  stepBackMs(): number {
    const { turn } = this;
    return turn === null ? 0 : this.patience() - (monotonic() - turn.at);
  }

  /** Yields to others, and subscribes meanwhile to count their releases. */
  async stepBack(ms: number): Promise<void> {
    // If it fails, `listen` is called again, and its error reported, once the lock is found busy.
    this.listen().catch(() => undefined);
    await this.sleep(ms);
    // If notifications cannot be counted, this process yields only once.
    if (this.heard() === undefined) this.turn = null;
  }

  /** Called before a request is sent. */
  look(): Outlook {
    const heard = this.heard();
    // If the channel is still subscribed, since another caller waited a moment ago, listen before this attempt: then no
    // second attempt after subscribing is needed.
    if (heard !== undefined) this.subscribe();
    return {
      listening: this.subscription?.active ?? false,
      notifications: this.notifications,
      lacking: this.turn?.lacks(heard) ?? 0,
    };
  }

  /** Called with the reply to the request. */
  onTried(taken: boolean, { lacking }: Outlook): void {
    this.turn?.onTried(taken, lacking);
  }

  /** Resolves as soon as notifications arrive. */
  async listen(): Promise<void> {
    const subscription = this.subscribe();
    if (!subscription.active) await subscription.activate();
  }

  /** Whether notifications should arrive, and do not. */
  get unnotified(): boolean {
    if (this.subscription === null || this.subscription.active) return false;
    return monotonic() - this.subscribedAt >= SLOW_SUBSCRIPTION_MS;
  }

  /** Whether a notification has arrived since. */
  hasHeardSince({ notifications }: Outlook): boolean {
    return this.notifications !== notifications;
  }

  /** Sleeps until it is this process's turn, or for as long as the holder's lease runs. */
  async untilTurn(outlook: Outlook, remainingMs: number): Promise<void> {
    // A notification during the attempt counts, too.
    const ms = this.hasHeardSince(outlook) ? Math.min(this.patience(), remainingMs) : remainingMs;
    if (ms > 0) await this.sleep(ms);
  }

  /** Sleeps until a notification, but at most for `ms`. */
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

  /** Ends the current wait. Returns `false` if there is none. */
  wake(): boolean {
    if (this.onWake === null) return false;
    this.onWake();
    return true;
  }

  close(): void {
    this.subscription?.close();
  }

  private subscribe(): NotificationSubscription {
    if (this.subscription !== null) return this.subscription;
    this.subscribedAt = monotonic();
    return (this.subscription = this.store.subscribe(this.name, this.onNotification, this.owner()));
  }

  private heard(): number | undefined {
    return this.store.heard?.(this.name);
  }

  /** How long to yield to other processes from now on, in ms. */
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
