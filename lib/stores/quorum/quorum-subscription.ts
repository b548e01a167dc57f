import { Timer } from '../../time/timer.js';
import type { NotificationSubscription } from '../lock-store.js';
import { poll } from './poll.js';
import type { QuorumMember } from './quorum-member.js';
import { unavailable } from './unavailable.js';

/** The nodes publish a release at slightly different times: notifications within this time count as one, in ms. */
const MERGE_MS = 10;

/**
 * Subscribes on all nodes. It is active once a majority has confirmed: since a majority also publishes each release, at
 * least one notification arrives.
 */
export class QuorumSubscription implements NotificationSubscription {
  private readonly parts: Map<QuorumMember, NotificationSubscription>;
  private heard = 0;
  private readonly timer = new Timer(() => {
    this.tell();
  });

  constructor(
    private readonly members: readonly QuorumMember[],
    name: string,
    private readonly majority: number,
    private readonly onNotification: () => void,
  ) {
    this.parts = new Map(members.map((member) => [member, member.subscribe(name, this.onPart)]));
  }

  get active(): boolean {
    return [...this.parts.values()].filter(({ active }) => active).length >= this.majority;
  }

  async activate(): Promise<void> {
    await poll(
      this.members,
      async (member) => {
        await this.parts.get(member)?.activate();
        return member;
      },
      ({ replies, failures, pending }) => {
        if (replies.size >= this.majority) return {};
        if (replies.size + pending >= this.majority) return undefined;
        throw unavailable(failures, this.members.length);
      },
    );
  }

  close(): void {
    this.timer.stop();
    for (const part of this.parts.values()) part.close();
  }

  /** After a single notification, the lock is most likely not free on the other nodes yet. */
  private readonly onPart = (): void => {
    this.heard += 1;
    if (this.heard >= this.majority) this.tell();
    else if (!this.timer.running) this.timer.start(MERGE_MS);
  };

  private tell(): void {
    this.timer.stop();
    this.heard = 0;
    this.onNotification();
  }
}
