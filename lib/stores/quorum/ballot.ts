import { LockUnavailableError } from '../../errors/index.js';
import type { QuorumMember } from './quorum-member.js';

/** One attempt to take a lock on several nodes, under an owner that is never used again; if it is won, the lock itself. */
export class Ballot {
  /** The last fencing token reserved; 0 until it is known. */
  lastToken = 0;
  /** From then on no node may get the lock again. */
  released = false;
  /** The nodes that may have given their vote, each with the request that may still bring it. */
  private readonly votes = new Map<QuorumMember, Promise<unknown>>();
  /** The nodes that are not known to hold this owner; `null`: none. */
  private lacking: Set<QuorumMember> | null = null;
  /** The nodes that did not answer to such a request, and may carry it out later. */
  private readonly doubts = new Set<QuorumMember>();

  constructor(
    readonly name: string,
    readonly owner: string,
    readonly leaseMs: number,
  ) {}

  /** The nodes that may hold this owner. */
  get voters(): QuorumMember[] {
    return [...this.votes.keys()];
  }

  /**
   * Notes a request that may bring a node's vote.
   *
   * @param wasGranted whether its answer means that the node holds this owner
   */
  track<Reply>(member: QuorumMember, request: Promise<Reply>, wasGranted: (reply: Reply) => boolean): Promise<Reply> {
    const before = this.votes.get(member);
    // Another request for this vote may have been sent since: the node may hold this owner by that one.
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

  /** Notes whether a node is known to hold this owner now. */
  note(member: QuorumMember, holds: boolean): void {
    if (holds) this.lacking?.delete(member);
    else (this.lacking ??= new Set()).add(member);
  }

  /** Whether this node is not known to hold the owner. */
  lacks(member: QuorumMember): boolean {
    return this.lacking?.has(member) ?? false;
  }

  /** Whether this node may still carry out a request for its vote. */
  inDoubt(member: QuorumMember): boolean {
    return this.doubts.has(member);
  }

  /**
   * Resolves when no request for this node's vote is under way any more. A release must not overtake one: a server that
   * does not know a script is sent it a second time, behind what was sent meanwhile.
   */
  settled(member: QuorumMember): Promise<unknown> | undefined {
    return this.votes.get(member);
  }
}
