import type { ScenarioName } from '../scenarios.js';
import type { SystemName } from '../systems.js';
import type { Expectation, Facts } from './expectation.js';

type PerSystem = Readonly<Record<SystemName, Expectation>>;

function all<Name extends SystemName>(names: readonly Name[], expectation: Expectation): Record<Name, Expectation> {
  return Object.fromEntries(names.map((name) => [name, expectation])) as Record<Name, Expectation>;
}

function expect(text: string, rebuilds: number, facts: Partial<Facts> = {}): Expectation {
  return { text, facts: { rebuilds, ...facts } };
}

function skip(notApplicable: string): Expectation {
  return { notApplicable };
}

const locks2013 = ['lock-2013', 'lock-2013-set'] as const;
/** SET NX with an expiry, in one command. */
const atOnce = ['stage-3', 'stage-4', 'stage-5', 'stage-5-printed'] as const;
const oneNode = ['stage-1', 'stage-2', ...atOnce, 'redisson'] as const;
const renewed = ['redisson', 'with-lock'] as const;

const nobodyHolds = skip('There is no lock that could be left behind.');
const neverEnds = skip('Its lock never expires.');
const leaseOver = expect('B gets the lock when the lease of A is over.', 2);
const timestampOver = expect('B takes over when the timestamp of A is over.', 2);
const forEver = { deadlock: true } as const;
const two = { mostInside: 2 } as const;

/** What the articles say of each system, or, where they say nothing, what follows from how it is built. */
export const expectations: Readonly<Record<ScenarioName, PerSystem>> = {
  calm: {
    none: expect('Everybody rebuilds, at the same time.', 4, { mostInside: 4 }),
    ...all([...locks2013, ...oneNode, 'with-lock'], expect('One rebuilds, the others find the cache filled.', 1)),
  },

  crash: {
    none: nobodyHolds,
    'stage-1': expect('The key of A stays: nobody gets the lock again.', 1, forEver),
    ...all(locks2013, timestampOver),
    ...all(['stage-2', ...atOnce, ...renewed], leaseOver),
  },

  'crash-taking': {
    none: nobodyHolds,
    'stage-1': expect('The key of A stays: nobody gets the lock again.', 0, { mostInside: 0, ...forEver }),
    'stage-2': expect('A died before EXPIRE. Its key has no expiry: nobody gets the lock again.', 0, {
      mostInside: 0,
      ...forEver,
    }),
    ...all(locks2013, expect('The timestamp came with the key: B takes over when it is over.', 1)),
    ...all(atOnce, expect('The expiry came with the key: B gets the lock when it is over.', 1)),
    ...all(renewed, expect('The lease came with the lock: B gets it when that is over.', 1)),
  },

  'slow-rebuild': {
    none: expect('A and B rebuild at the same time.', 2, two),
    ...all(locks2013, expect('B is beside A. A sees that its time is over, and deletes nothing.', 2, two)),
    'stage-1': expect('The lock does not expire: one after another.', 1),
    ...all(
      ['stage-2', 'stage-3'],
      expect('B is beside A; A deletes the lock of B, C gets in beside B, B deletes the lock of C.', 2, {
        mostInside: 2,
        foreignDeletes: 2,
      }),
    ),
    ...all(['stage-4', 'stage-5'], expect('B is beside A. A sees another UUID, and deletes nothing.', 2, two)),
    'stage-5-printed': expect('The lock is compared with itself: A deletes that of B, B that of C.', 2, {
      mostInside: 2,
      foreignDeletes: 2,
    }),
    ...all(renewed, expect('The lock is renewed while A works: one after another.', 1)),
  },

  'late-delete': {
    none: skip('There is no lock to delete.'),
    'stage-1': neverEnds,
    ...all(
      [...locks2013, 'stage-4'],
      expect('The check was before the expiry, the delete comes after it: it takes the lock of B.', 1, {
        mostInside: 2,
        foreignDeletes: 1,
      }),
    ),
    ...all(
      ['stage-2', 'stage-3'],
      expect('The delete takes the lock of B, and C gets in beside B.', 1, { mostInside: 2, foreignDeletes: 1 }),
    ),
    ...all(['stage-5', 'stage-5-printed'], expect('The script compares and deletes in one step: B keeps its lock.', 1)),
    ...all(renewed, expect('The script finds another owner: B keeps its lock.', 1)),
  },

  'long-work': {
    none: expect('A and B work at the same time.', 2, two),
    'stage-1': expect('The lock does not expire: B waits.', 1),
    ...all(locks2013, expect('There is no renewal: B gets in beside A.', 2, two)),
    ...all(['stage-2', ...atOnce], expect('There is no renewal: B gets in beside A.', 2, two)),
    ...all(renewed, expect('The lock is renewed while A works: B waits.', 1)),
  },

  'plain-set': {
    none: nobodyHolds,
    'lock-2013': expect('The first GETSET wins. The second finds a time to come, and its caller waits.', 2),
    'lock-2013-set': expect('Both overwrite, and both believe that they hold the lock.', 3, two),
    'stage-1': neverEnds,
    ...all(
      ['stage-2', ...atOnce, ...renewed],
      skip('An expired lock is gone from Redis. Nobody overwrites it: the first to come takes it.'),
    ),
  },

  'partial-write': {
    none: nobodyHolds,
    ...all(oneNode, skip('It lives on one node.')),
    ...all(locks2013, expect('A has the lock on the first node, B switches to the second: both are inside.', 2, two)),
    'with-lock': expect('Two of three nodes decide: B gets the lock, and A waits until it reaches two again.', 1),
  },

  failover: {
    none: nobodyHolds,
    ...all(
      [...locks2013, 'stage-1', 'stage-2', ...atOnce],
      expect('The new master knows no lock: B gets in beside A.', 2, two),
    ),
    redisson: expect(
      'One replica had the lock, and that was enough; the other was promoted: B gets in beside A.',
      2,
      two,
    ),
    'with-lock': expect('With minReplicas for both replicas, A is not given a lock that one of them does not have.', 1),
  },

  'stale-write': {
    none: expect('A overwrites what B wrote.', 2, { mostInside: 2, staleWrites: 1, toldLost: false }),
    'stage-1': skip('Its lock never expires: everybody waits until the holder goes on.'),
    ...all(
      [...locks2013, 'stage-2', ...atOnce, 'redisson'],
      expect('A has no token that could be checked: it overwrites what B wrote.', 2, {
        mostInside: 2,
        staleWrites: 1,
        toldLost: false,
      }),
    ),
    'with-lock': expect(
      'A was told that the lock is lost, and the token of A is older than that of B: its write is refused.',
      2,
      {
        mostInside: 2,
        toldLost: true,
      },
    ),
  },
};
