import { LockConfigError } from '../../errors/index.js';
import { monotonic } from '../../time/clock.js';
import { sleep } from '../../time/timer.js';
import { poll } from './poll.js';
import type { QuorumMember } from './quorum-member.js';
import { unavailable } from './unavailable.js';

/** After a majority has passed its tests, the other nodes have this much time for theirs, in ms. */
const GRACE_MS = 1_000;
const LOOK_MS = 20;

/**
 * Tests each node. A majority must pass within `timeoutMs`. The other nodes may be unreachable: they are waited for
 * briefly, unless their connection has already failed, and tested again later if necessary.
 *
 * @throws LockConfigError if one of them can never vote
 * @throws LockUnavailableError if there is no majority
 */
export async function startNodes(members: readonly QuorumMember[], majority: number, timeoutMs: number): Promise<void> {
  await poll(
    members,
    async (member) => {
      await member.health.connect(timeoutMs);
      return member;
    },
    ({ replies, failures, pending }) => {
      // A mistake in the configuration ends the start-up, even if a majority passes.
      for (const { cause } of failures.values()) if (cause instanceof LockConfigError) throw cause;
      if (replies.size >= majority) return {};
      if (pending === 0) throw unavailable(failures, members.length, replies.size > 0);
      return undefined;
    },
  );
  const end = monotonic() + Math.min(timeoutMs, GRACE_MS);
  while (monotonic() < end && members.some(({ health }) => health.undecided)) await sleep(LOOK_MS);
  for (const { health } of members) {
    const { fault } = health;
    if (fault !== undefined) throw fault;
  }
}
