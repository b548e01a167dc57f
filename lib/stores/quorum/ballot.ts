import { LockUnavailableError } from '../../errors/index.js';
import type { QuorumMember } from './quorum-member.js';

/**
 * One attempt to take a lock on several nodes, with an owner of its own. After a majority has granted it, it represents
 * the held lock.
 */
export class Ballot {
  /** The last fencing token reserved; 0 until it is known. */
  lastToken = 0;
  /** Set by the release: from then on the lock must not be written to a node again. */
  released = false;
  /** The nodes that may have granted their vote, each with the request that may still do so. */
  private readonly votes = new Map<QuorumMember, Promise<unknown>>();
  /** The nodes that are not known to store this owner; `null` if there are none. */
  private lacking: Set<QuorumMember> | null = null;
  /** The nodes that did not reply to a request for a vote, and may execute it later. */
  private readonly doubts = new Set<QuorumMember>();

  constructor(
    readonly name: string,
    readonly owner: string,
    readonly leaseMs: number,
  ) {}

  /** The nodes that may store this owner. */
  get voters(): QuorumMember[] {
    return [...this.votes.keys()];
  }

  /**
   * Records a request that may get a node's vote.
   *
   * @param wasGranted whether a reply means that the node stores this owner
   */
  track<Reply>(member: QuorumMember, request: Promise<Reply>, wasGranted: (reply: Reply) => boolean): Promise<Reply> {
    const before = this.votes.get(member);
    // A later request for this vote may have been granted.
    const forget = (): void => {
      if (before === undefined && this.votes.get(member) === done) this.votes.delete(member);
    };
    const done = request.then(
      (reply) => {
        const granted = wasGranted(reply);
        this.note(member, granted);
        if (!granted) forget();
      },
      (error: unknown) => {
        const sent = !(error instanceof LockUnavailableError) || error.outcomeUnknown;
        if (sent) this.doubts.add(member);
        else {
          this.note(member, false);
          forget();
        }
      },
    );
    this.votes.set(member, before === undefined ? done : Promise.all([before, done]));
    return request;
  }

  /** Records whether a node is known to store this owner now. */
  note(member: QuorumMember, holds: boolean): void {
    if (holds) this.lacking?.delete(member);
    else (this.lacking ??= new Set()).add(member);
  }

  /** Whether this node is not known to store the owner. */
  lacks(member: QuorumMember): boolean {
    return this.lacking?.has(member) ?? false;
  }

  /** Whether this node may still execute a request for its vote. */
  inDoubt(member: QuorumMember): boolean {
    return this.doubts.has(member);
  }

  /**
   * Resolves when no request for this node's vote is in flight. A release must not overtake such a request: if a server
   * does not know a script, the script is sent again, after requests that were sent meanwhile.
   */
  settled(member: QuorumMember): Promise<unknown> | undefined {
    return this.votes.get(member);
  }
}
