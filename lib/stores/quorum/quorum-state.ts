import type { StoredLock } from '../lock-state.js';

/**
 * The state of a lock on a majority of the nodes; `undefined` while missing replies could change it.
 *
 * @param silent how many nodes have not replied
 */
export function stateOf(answers: readonly StoredLock[], silent: number, majority: number): StoredLock | undefined {
  const token = Math.max(0, ...answers.map((answer) => answer.token ?? 0)) || undefined;
  const byOwner = new Map<string, StoredLock[]>();
  for (const answer of answers) {
    if (answer.owner === undefined) continue;
    byOwner.set(answer.owner, [...(byOwner.get(answer.owner) ?? []), answer]);
  }
  let most = 0;
  for (const [owner, votes] of byOwner) {
    most = Math.max(most, votes.length);
    if (votes.length < majority) continue;
    // The lock is held until fewer than a majority of the nodes store it.
    const remaining = votes.map(({ remainingMs }) => remainingMs ?? Infinity).sort((a, b) => b - a);
    const remainingMs = remaining[majority - 1] ?? Infinity;
    const holds = Math.max(...votes.map((vote) => vote.holds));
    const lasts = remainingMs === Infinity ? undefined : remainingMs;
    return { held: true, mode: 'exclusive', owner, holds, remainingMs: lasts, token };
  }
  if (answers.length < majority || most + silent >= majority) return undefined;
  return { held: false, mode: undefined, owner: undefined, holds: 0, remainingMs: undefined, token };
}
