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
const leaseOver = expect('B gets the lock when the lease of A has ended.', 2);
const timestampOver = expect('B takes over when the timestamp of A has passed.', 2);
const forEver = { deadlock: true } as const;
const two = { mostInside: 2 } as const;

/** The results that the articles state for each system, or else those that follow from its design. */
export const expectations: Readonly<Record<ScenarioName, PerSystem>> = {
  calm: {
    none: expect('All callers rebuild at the same time.', 4, { mostInside: 4 }),
    ...all([...locks2013, ...oneNode, 'with-lock'], expect('One rebuilds, the others find the cache filled.', 1)),
  },

  crash: {
    none: nobodyHolds,
    'stage-1': expect('The key of A stays: no caller gets the lock again.', 1, forEver),
    ...all(locks2013, timestampOver),
    ...all(['stage-2', ...atOnce, ...renewed], leaseOver),
  },

  'crash-taking': {
    none: nobodyHolds,
    'stage-1': expect('The key of A stays: no caller gets the lock again.', 0, { mostInside: 0, ...forEver }),
    'stage-2': expect('A died before EXPIRE. Its key has no expiry: no caller gets the lock again.', 0, {
      mostInside: 0,
      ...forEver,
    }),
    ...all(locks2013, expect('The timestamp was set with the key: B takes over when it has passed.', 1)),
    ...all(atOnce, expect('The expiry was set with the key: B gets the lock when it has ended.', 1)),
    ...all(renewed, expect('The lease was set with the lock: B gets the lock when the lease has ended.', 1)),
  },

  'slow-rebuild': {
    none: expect('A and B rebuild at the same time.', 2, two),
    ...all(locks2013, expect('A and B are inside. A sees that its time has passed, and deletes nothing.', 2, two)),
    'stage-1': expect('The lock does not expire: one after another.', 1),
    ...all(
      ['stage-2', 'stage-3'],
      expect('A and B are inside; A deletes the lock of B, C enters while B is inside, B deletes the lock of C.', 2, {
        mostInside: 2,
        foreignDeletes: 2,
      }),
    ),
    ...all(['stage-4', 'stage-5'], expect('A and B are inside. A sees another UUID, and deletes nothing.', 2, two)),
    'stage-5-printed': expect('The lock is compared with itself: A deletes the lock of B, and B the lock of C.', 2, {
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
      expect('The check was before the expiry, the delete is after it and deletes the lock of B.', 1, {
        mostInside: 2,
        foreignDeletes: 1,
      }),
    ),
    ...all(
      ['stage-2', 'stage-3'],
      expect('The delete removes the lock of B, and C enters while B is inside.', 1, {
        mostInside: 2,
        foreignDeletes: 1,
      }),
    ),
    ...all(['stage-5', 'stage-5-printed'], expect('The script compares and deletes in one step: B keeps its lock.', 1)),
    ...all(renewed, expect('The script finds another owner: B keeps its lock.', 1)),
  },

  'long-work': {
    none: expect('A and B work at the same time.', 2, two),
    'stage-1': expect('The lock does not expire: B waits.', 1),
    ...all(locks2013, expect('There is no renewal: B enters while A is inside.', 2, two)),
    ...all(['stage-2', ...atOnce], expect('There is no renewal: B enters while A is inside.', 2, two)),
    ...all(renewed, expect('The lock is renewed while A works: B waits.', 1)),
  },

  'plain-set': {
    none: nobodyHolds,
    'lock-2013': expect('The first GETSET wins. The second finds a time in the future, and its caller waits.', 2),
    'lock-2013-set': expect('Both overwrite, and both believe that they hold the lock.', 3, two),
    'stage-1': neverEnds,
    ...all(
      ['stage-2', ...atOnce, ...renewed],
      skip('An expired lock no longer exists in Redis. It is not overwritten: the first caller takes it.'),
    ),
  },

  'partial-write': {
    none: nobodyHolds,
    ...all(oneNode, skip('It uses one node.')),
    ...all(locks2013, expect('A has the lock on the first node, B switches to the second: both are inside.', 2, two)),
    'with-lock': expect('Two of three nodes decide: B gets the lock, and A waits until it reaches two again.', 1),
  },

  failover: {
    none: nobodyHolds,
    ...all(
      [...locks2013, 'stage-1', 'stage-2', ...atOnce],
      expect('The new master does not have the lock: B enters while A is inside.', 2, two),
    ),
    redisson: expect(
      'One replica had the lock, which was sufficient; the other was promoted: B enters while A is inside.',
      2,
      two,
    ),
    'with-lock': expect('With minReplicas for both replicas, A is not given a lock that one of them does not have.', 1),
  },

  'stale-write': {
    none: expect('A overwrites what B wrote.', 2, { mostInside: 2, staleWrites: 1, toldLost: false }),
    'stage-1': skip('Its lock never expires: all callers wait until the holder continues.'),
    ...all(
      [...locks2013, 'stage-2', ...atOnce, 'redisson'],
      expect('A has no token that could be checked: it overwrites what B wrote.', 2, {
        mostInside: 2,
        staleWrites: 1,
        toldLost: false,
      }),
    ),
    'with-lock': expect(
      'A was notified of the loss, and its token is older than that of B: its write is rejected.',
      2,
      {
        mostInside: 2,
        toldLost: true,
      },
    ),
  },
};
