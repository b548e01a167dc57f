import type { LockUnavailableError } from '../../errors/index.js';
import type { AcquireReply, Rivals } from '../lock-store.js';
import type { Ballot } from './ballot.js';
import { poll, type Tally } from './poll.js';
import type { QuorumMember } from './quorum-member.js';
import { unavailable } from './unavailable.js';
import type { GrantReply } from './vote-batches.js';
import { monotonic } from '../../time/clock.js';

/**
 * The longest pause, in ms, before the next attempt if a rival keeps its votes and, because of silent nodes, may or may
 * not have a majority.
 */
const DOUBT_RECHECK_MS = 1_000;
/** The limits of the pause after a split vote, which is about as long as an attempt, in ms. */
const MIN_PAUSE_MS = 4;
const MAX_PAUSE_MS = 50;
const NO_RIVALS: Rivals = new Map();

export interface ElectionRequest {
  readonly leaseMs: number;
  readonly tokens: number;
  /** The token proposed to all nodes. */
  readonly proposal: number;
}

export type ElectionResult =
  | { /** The first of the tokens reserved. */ readonly token: number }
  | { readonly busy: AcquireReply & { readonly taken: false } }
  | { readonly failure: LockUnavailableError };

/** Requests the votes of all nodes once, and ensures that a majority stores the winner's tokens. */
export class Election {
  private tally: Tally<QuorumMember, GrantReply> | null = null;
  private readonly startedAt = monotonic();

  constructor(
    private readonly members: readonly QuorumMember[],
    private readonly majority: number,
    private readonly ballot: Ballot,
    /** The longest duration of an attempt, in ms. */
    private readonly attemptMs: number,
    /** The owners that had votes at the previous attempt, and since when. */
    private readonly rivals = NO_RIVALS,
  ) {}

  /**
   * Whether other contenders may have concluded that this ballot holds the lock: they may get no reply from the same
   * nodes.
   */
  get mayLookHeld(): boolean {
    if (this.tally === null) return false;
    const { failures, pending } = this.tally;
    return this.tally.count(({ granted }) => granted) + pending + failures.size >= this.majority;
  }

  async run(request: ElectionRequest): Promise<ElectionResult> {
    const { ballot } = this;
    const { name, owner } = ballot;
    const first = await poll(
      this.members,
      (member) => ballot.track(member, member.grant({ name, owner, ...request }), ({ granted }) => granted),
      (tally) => {
        this.tally = tally;
        return this.judge(tally);
      },
    );
    if (!('tokens' in first)) return first;
    const token = Math.max(...first.tokens);
    ballot.lastToken = token + request.tokens - 1;
    // A majority has already stored the same token.
    if (first.tokens.every((each) => each === token)) return { token };
    return this.writeBack(token);
  }

  /**
   * Writes the largest token to a majority before it is used. The next holder then gets a larger one, since at least
   * one of these nodes is in its majority.
   */
  private writeBack(token: number): Promise<ElectionResult> {
    const { name, owner, lastToken, leaseMs, voters } = this.ballot;
    return poll<QuorumMember, boolean, ElectionResult>(
      voters,
      (member) => member.confirm({ name, owner, lastToken, rejoinMs: 0 }, leaseMs),
      (tally) => {
        const written = tally.count((held) => held);
        if (written >= this.majority) return { token };
        if (written + tally.pending >= this.majority) return undefined;
        if (tally.failures.size > 0) return { failure: unavailable(tally.failures, this.members.length) };
        return { busy: { taken: false, remainingMs: undefined, pauseMs: this.pauseMs() } };
      },
    );
  }

  private judge(tally: Tally<QuorumMember, GrantReply>): ElectionResult | { tokens: number[] } | undefined {
    const tokens: number[] = [];
    const holders = new Map<string, number>();
    const remaining: number[] = [];
    for (const reply of tally.replies.values()) {
      if (reply.granted) {
        tokens.push(reply.token);
        continue;
      }
      holders.set(reply.holder, (holders.get(reply.holder) ?? 0) + 1);
      remaining.push(reply.remainingMs ?? Infinity);
    }
    if (tokens.length >= this.majority) return { tokens };
    const { pending, failures } = tally;
    const most = Math.max(0, ...holders.values());
    if (most < this.majority) {
      if (tokens.length + pending >= this.majority) return undefined;
      // Wait for replies that may show that another owner has a majority.
      if (pending > 0 && most + pending >= this.majority) return undefined;
      const silent = failures.size + pending;
      if (silent > this.members.length - this.majority) {
        return pending > 0 ? undefined : { failure: unavailable(failures, this.members.length) };
      }
    }
    // The time until enough votes of other owners expire for a majority.
    remaining.sort((a, b) => a - b);
    const missing = Math.min(this.majority - tokens.length, remaining.length);
    const freeInMs = remaining[missing - 1] ?? Infinity;
    const rivals = new Map([...holders.keys()].map((owner) => [owner, this.rivals.get(owner) ?? monotonic()]));
    const busy = (remainingMs: number) =>
      ({ taken: false, remainingMs: remainingMs === Infinity ? undefined : remainingMs, rivals }) as const;
    if (most >= this.majority) return { busy: busy(freeInMs) };
    // A silent node grants no vote, and a rival that has kept its votes for longer than an attempt takes probably keeps
    // them. If the other nodes are not a majority, another attempt at once is useless.
    let staying = 0;
    for (const [owner, votes] of holders) if (this.isStaying(owner)) staying += votes;
    if (staying + failures.size + pending > this.members.length - this.majority) {
      return { busy: busy(Math.min(freeInMs, DOUBT_RECHECK_MS)) };
    }
    return { busy: { ...busy(freeInMs), pauseMs: this.pauseMs() } };
  }

  /** Whether a rival has kept its votes for longer than an attempt takes, so that it is treated as the holder. */
  private isStaying(owner: string): boolean {
    const since = this.rivals.get(owner);
    return since !== undefined && this.startedAt - since > this.attemptMs;
  }

  private pauseMs(): number {
    return Math.min(Math.max(MIN_PAUSE_MS, monotonic() - this.startedAt), MAX_PAUSE_MS);
  }
}
