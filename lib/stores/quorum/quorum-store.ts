import { randomUUID } from 'node:crypto';
import { LockUnavailableError } from '../../errors/index.js';
import { now } from '../../time/instant.js';
import { isValid } from '../../time/validity.js';
import type {
  AcquireReply,
  AcquireRequest,
  LockStore,
  NotificationSubscription,
  ReleaseReply,
  RenewReply,
  RenewRequest,
} from '../lock-store.js';
import type { StoredLock, StoreNode } from '../lock-state.js';
import { Heartbeat } from '../redis/connection/heartbeat.js';
import { Ballot } from './ballot.js';
import { checkLease, checkReplicas } from './limits.js';
import { Election } from './election.js';
import { poll, type Tally } from './poll.js';
import { QuorumHolders } from './quorum-holders.js';
import { QuorumMember, type QuorumMemberOptions, type QuorumNodeClient } from './quorum-member.js';
import { stateOf } from './quorum-state.js';
import { QuorumSubscription } from './quorum-subscription.js';
import { ServerNames } from './server-names.js';
import { startNodes } from './start-nodes.js';
import { unavailable } from './unavailable.js';

export type QuorumStoreOptions = Omit<QuorumMemberOptions, 'heartbeat' | 'names'>;

/**
 * Locks on several independent Redis servers. A lock is held if a majority grants it. Each request goes to all nodes at
 * once, and a call waits only for the replies that it needs.
 *
 * Source of the votes: "Distributed Locks with Redis" (Redlock). The fencing tokens are an addition of this library:
 * the largest token that a majority proposes is stored on a majority before the lock counts as taken.
 */
export class QuorumStore implements LockStore {
  private readonly members: QuorumMember[];
  private readonly majority: number;
  private readonly ballots = new Map<string, Ballot>();
  readonly ownerId = randomUUID();
  readonly holders: QuorumHolders;
  private ballotsMade = 0;

  constructor(
    nodes: readonly QuorumNodeClient[],
    private readonly options: QuorumStoreOptions,
  ) {
    const heartbeat = new Heartbeat(options.commandTimeout);
    const names = new ServerNames();
    this.members = nodes.map((node) => new QuorumMember(node, { ...options, heartbeat, names }));
    this.majority = majorityOf(nodes.length);
    this.holders = new QuorumHolders(this.members.map(({ holders }) => holders));
  }

  get unsettled(): number {
    return this.members.reduce((sum, { unsettled }) => sum + unsettled, 0);
  }

  /** A node that restarts may lose its locks, and votes again after this time. */
  get maxLeaseMs(): number | undefined {
    const { restartGuard } = this.options;
    return restartGuard === 0 ? undefined : restartGuard;
  }

  get nodes(): StoreNode[] {
    const held = [...this.ballots.values()];
    return this.members.map((member) => {
      const missingLocks = held.filter((ballot) => ballot.lacks(member)).length;
      return { ...member.health.state, ...(missingLocks === 0 ? {} : { missingLocks }) };
    });
  }

  connect(timeoutMs: number): Promise<void> {
    return startNodes(this.members, this.majority, timeoutMs);
  }

  async acquire({ name, leaseMs, tokens, minReplicas, rivals }: AcquireRequest): Promise<AcquireReply> {
    checkReplicas(minReplicas);
    checkLease(leaseMs, this.options.restartGuard);
    const ballot = new Ballot(name, this.nextOwner(), leaseMs);
    const sentAt = now();
    const election = new Election(this.members, this.majority, ballot, this.options.commandTimeout, rivals);
    const result = await election.run({ leaseMs, tokens, proposal: sentAt.wall * 1_000 });
    if ('token' in result && isValid(leaseMs, sentAt)) {
      this.ballots.set(ballot.owner, ballot);
      return { taken: true, token: result.token, sentAt, owner: ballot.owner };
    }
    // Other callers may wait for the end of this ballot, so its release notifies them, unless a rival holds the lock.
    const heldByRival = 'busy' in result && result.busy.pauseMs === undefined;
    this.giveBack(ballot, election.mayLookHeld && !heldByRival);
    if ('token' in result) {
      const what = 'a majority granted the lock, but it took longer than the lease.';
      throw new LockUnavailableError(what, name, { retryable: true, outcomeUnknown: false });
    }
    if ('failure' in result) throw result.failure;
    return result.busy;
  }

  async renew(request: RenewRequest): Promise<RenewReply> {
    const { owner, leaseMs, minReplicas } = request;
    checkReplicas(minReplicas);
    checkLease(leaseMs, this.options.restartGuard);
    const sentAt = now();
    const missing = new Set<QuorumMember>();
    let confirmed = false;
    const ballot = this.ballots.get(owner);
    const renewal = async (member: QuorumMember): Promise<RenewReply> => {
      const each = await member.renew(request).catch((error: unknown) => {
        ballot?.note(member, false);
        throw error;
      });
      ballot?.note(member, each.held);
      if (each.held) return each;
      missing.add(member);
      // A node that was restarted replies after the others: it does not know the script, which is then sent in full.
      if (confirmed) this.rejoin(member, owner, leaseMs);
      return each;
    };
    const reply = await poll(this.members, renewal, (tally): RenewReply | undefined => {
      if (tally.count(({ held }) => held) >= this.majority) return { held: true, sentAt };
      if (missing.size > this.members.length - this.majority) return { held: false, sentAt };
      this.open(tally);
      return undefined;
    });
    if (!reply.held) return reply;
    confirmed = true;
    for (const member of missing) this.rejoin(member, owner, leaseMs);
    return reply;
  }

  async release(name: string, owner: string, keepMs: number): Promise<ReleaseReply> {
    const ballot = this.ballots.get(owner);
    if (ballot !== undefined) ballot.released = true;
    const voters = ballot?.voters ?? this.members;
    const reply = await poll(
      voters,
      (member) => this.releaseAt(member, ballot, name, owner, keepMs),
      (tally): ReleaseReply | undefined => {
        const held = tally.count((each) => each.held);
        const listeners = Math.max(0, ...[...tally.replies.values()].map((each) => each.listeners));
        if (held >= this.majority) return { held: true, listeners };
        if (tally.replies.size - held > voters.length - this.majority) return { held: false, listeners };
        this.open(tally);
        return undefined;
      },
    );
    this.ballots.delete(owner);
    return reply;
  }

  inspect(name: string): Promise<StoredLock> {
    return poll(
      this.members,
      (member) => member.inspect(name),
      (tally) => {
        const answers = [...tally.replies.values()];
        const state = stateOf(answers, this.members.length - answers.length, this.majority);
        if (state === undefined) this.open(tally);
        return state;
      },
    );
  }

  async forceRelease(name: string): Promise<boolean> {
    const { freed } = await poll(
      this.members,
      (member) => member.forceRelease(name),
      (tally) => {
        if (tally.pending > 0) return undefined;
        if (tally.replies.size < this.majority) throw this.failureOf(tally);
        return { freed: tally.count((freed) => freed) > 0 };
      },
    );
    return freed;
  }

  subscribe(name: string, onNotification: () => void): NotificationSubscription {
    return new QuorumSubscription(this.members, name, this.majority, onNotification);
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
  }

  /** Never used twice, so that a late request of an earlier attempt cannot affect a later one. */
  private nextOwner(): string {
    return `${this.ownerId}:${String((this.ballotsMade += 1))}`;
  }

  /** Writes a held lock again to a node that lost it: otherwise the majority could be lost node by node. */
  private rejoin(member: QuorumMember, owner: string, leaseMs: number): void {
    const ballot = this.ballots.get(owner);
    if (ballot === undefined || ballot.released) return;
    const { name, lastToken } = ballot;
    const request = member.confirm({ name, owner, lastToken, rejoinMs: leaseMs }, leaseMs);
    ballot.track(member, request, (joined) => joined).catch(() => undefined);
  }

  /** Releases every vote that the ballot has or may still get: at once, or in the background if a node is silent. */
  private giveBack(ballot: Ballot, notify: boolean): void {
    for (const member of ballot.voters) {
      this.releaseAt(member, ballot, ballot.name, ballot.owner, 0, notify).catch(() => undefined);
    }
  }

  private async releaseAt(
    member: QuorumMember,
    ballot: Ballot | undefined,
    name: string,
    owner: string,
    keepMs: number,
    notify = true,
  ): Promise<ReleaseReply> {
    const underWay = ballot?.settled(member);
    if (underWay !== undefined) await underWay;
    if (ballot !== undefined && ballot.settled(member) === undefined) return { held: false, listeners: 0 };
    try {
      return await member.release(name, owner, keepMs, notify);
    } catch (error) {
      if (ballot !== undefined) {
        member.cleanUps.add(name, owner, ballot.leaseMs, { keepMs, inDoubt: ballot.inDoubt(member) });
      }
      throw error;
    }
  }

  /**
   * Returns `undefined`, the outcome of an undecided poll.
   *
   * @throws LockUnavailableError if every reply has arrived, so that the poll cannot be decided
   */
  private open<Reply>(tally: Tally<QuorumMember, Reply>): undefined {
    if (tally.pending === 0) throw this.failureOf(tally);
    return undefined;
  }

  private failureOf(tally: Tally<QuorumMember, unknown>): LockUnavailableError {
    const sent = [...tally.failures.values()].some(({ outcomeUnknown }) => outcomeUnknown);
    return unavailable(tally.failures, this.members.length, sent || tally.replies.size > 0);
  }
}

function majorityOf(nodes: number): number {
  return Math.floor(nodes / 2) + 1;
}
