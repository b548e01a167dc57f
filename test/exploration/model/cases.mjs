// What is checked: the model in quorum.pml, with its names as in its head. A right one must hold in every state; a wrong
// one must be caught, or the check is not looking.

const three = { N: 3, Q: 2, BALLOTS: 2, BLOCK: 1, CLOCKS: 2 };
const timed = { ...three, CLOCKS: 0, LEASE: 3 };
/** Holders do not leave early: fewer states, and what it cuts off is checked without it. */
const STAYS = true;

export const RIGHT = [
  { what: 'tokens, leases that end at any moment', with: three },
  { what: 'tokens in blocks', with: { ...three, BLOCK: 2 } },
  { what: 'tokens, a request that comes twice', with: { ...three, CLOCKS: 1, RESENDS: 1 } },
  { what: 'tokens, a node that forgets, under the guard', with: { ...three, CLOCKS: 1, FORGETS: 1 } },
  { what: 'one holder, and tokens in the order of entry', with: timed },
  { what: 'one holder, renewed and set again where missing', with: { ...timed, RENEWALS: 1, STAYS } },
  { what: 'one holder, a node that forgets, under the guard', with: { ...timed, FORGETS: 1, STAYS } },
];

export const WRONG = [
  { what: 'one phase, whatever the nodes have granted', with: { ...three, ONE_PHASE: true } },
  { what: 'written back where others hold the lock', with: { ...three, NO_OWNERSHIP: true } },
  { what: 'confirmed by a node whose grant came too late to be looked at', with: { ...three, ANY_COUNTER: true } },
  { what: 'the same, by a request that comes twice', with: { ...three, CLOCKS: 1, RESENDS: 1, ANY_COUNTER: true } },
  { what: 'a node that forgets, with counters instead of clocks', with: { ...three, FORGETS: 1, COUNTERS: true } },
  { what: 'a node that forgets, without the guard: tokens', with: { ...three, FORGETS: 1, NO_GUARD: true } },
  { what: 'a node that forgets, without the guard: holders', with: { ...timed, FORGETS: 1, STAYS, NO_GUARD: true } },
  { what: 'the lease counted from the reply', with: { ...timed, STAYS, FROM_REPLY: true } },
  { what: 'the renewed lease counted from the reply', with: { ...timed, RENEWALS: 1, STAYS, FROM_REPLY: true } },
  { what: 'released without a look at the owner', with: { ...timed, BALLOTS: 3, NO_COMPARE: true } },
];

/** By hand, with --thorough: minutes, and some GB of memory. */
export const THOROUGH = [
  { what: 'tokens, five nodes', with: { ...three, N: 5, Q: 3, CLOCKS: 0 } },
  { what: 'tokens, three ballots', with: { ...three, BALLOTS: 3, CLOCKS: 1 } },
];
