import {
  aheadOfBestPeer,
  commands,
  commandsOfFastestPoller,
  growth,
  judge,
  speedFrom,
  type Criterion,
} from './criteria.js';
import type { Findings } from './findings.js';
import { bestPeer, pollerText, type PeerText } from './peer-text.js';

/** One line of the table of aims. */
export interface AimRow {
  readonly work: string;
  readonly aim: string;
  readonly measured: string;
  /** `undefined`: a part of it was not measured in this run. */
  readonly met: boolean | undefined;
  /** Whether any part of it was measured. */
  readonly touched: boolean;
  /** The best peer at the same work, with its value. */
  readonly peer: string;
}

interface Aim {
  readonly work: string;
  readonly aim: string;
  readonly criteria: readonly Criterion[];
  readonly peer: PeerText;
}

const NAMES_64 = { callers: 64, names: 64 };
const HOT_50 = { callers: 50, sectionMs: 1 };
const PERMITS_50 = { processes: 1, callers: 50 };
const TWO = { processes: 2 };
const SIXTY_FOUR = { processes: 64 };
const FOUR = { processes: 4, callers: 16 };

const AIMS: readonly Aim[] = [
  {
    work: 'acquire and release, one caller, no contention',
    aim: '≥ 0.9 × raw ioredis',
    criteria: [{ which: { case: 'lone', metric: 'speedOfRaw' }, unit: '× raw ioredis', least: 0.9 }],
    peer: bestPeer({ case: 'lone', metric: 'speedOfRaw' }, 'more', '× raw ioredis'),
  },
  {
    work: '64 callers on 64 names',
    aim: '≥ 1.5 × raw ioredis, the faster of with and without auto-pipelining; ahead of every peer',
    criteria: [
      { which: { case: 'names', metric: 'speedOfRaw', at: NAMES_64 }, unit: '× raw ioredis', least: 1.5 },
      aheadOfBestPeer({ case: 'names', metric: 'sectionsPerSecond', at: NAMES_64 }),
    ],
    peer: bestPeer({ case: 'names', metric: 'speedOfRaw', at: NAMES_64 }, 'more', '× raw ioredis'),
  },
  {
    work: '50 callers on one name in one process, sections of 1 ms',
    aim: 'total ≤ 1.15 × an in-process mutex, that is ≥ 0.87 of its sections a second; ≤ 0.2 commands a section',
    criteria: [
      { which: { case: 'hot', metric: 'timeOfMutex', at: HOT_50 }, unit: '× mutex', most: 1.15 },
      speedFrom({ case: 'hot', metric: 'timeOfMutex', at: HOT_50 }, "of the mutex's sections/s", 0.87),
      commands('hot', HOT_50, 0.2),
    ],
    peer: bestPeer({ case: 'hot', metric: 'timeOfMutex', at: HOT_50 }, 'less', '× mutex'),
  },
  {
    work: '4 processes × 16 callers on one name, sections of 1 ms',
    aim: '≤ 1.3 × the sections laid end to end; ≥ 0.77 of their sections a second without a lock; every caller served',
    criteria: [
      { which: { case: 'processes', metric: 'stretch', at: FOUR }, unit: '× end to end', most: 1.3 },
      // The same sections one after another in one process that does nothing else, in the same rounds.
      speedFrom({ case: 'processes', metric: 'timeOfEndToEnd', at: FOUR }, 'of the sections/s end to end', 0.77),
      { which: { case: 'processes', metric: 'unservedCallers', at: FOUR }, unit: 'callers not served', most: 0 },
    ],
    peer: bestPeer({ case: 'processes', metric: 'stretch', at: FOUR }, 'less', '× end to end'),
  },
  {
    work: 'hand-over between two processes',
    aim: 'p50 ≤ 3 round trips, and below 1 ms',
    criteria: [
      { which: { case: 'hand-over', metric: 'handOverRoundTrips' }, unit: 'round trips', most: 3 },
      { which: { case: 'hand-over', metric: 'handOverMs' }, unit: 'ms', most: 1 },
    ],
    peer: bestPeer({ case: 'hand-over', metric: 'handOverMs' }, 'less', 'ms'),
  },
  {
    work: '100 callers waiting 5 s for a held lock',
    aim: '≤ 1 request/s in all',
    criteria: [
      {
        which: { case: 'waiting', metric: 'requestsPerSecond', at: { processes: 1, callers: 100 } },
        unit: 'requests/s',
        most: 1,
      },
    ],
    peer: bestPeer(
      { case: 'waiting', metric: 'requestsPerSecond', at: { processes: 1, callers: 100 } },
      'less',
      'requests/s',
    ),
  },
  {
    work: '10,000 held leases',
    aim: 'renewed by one timer in batches; event loop never blocked > 20 ms; none lost',
    criteria: [
      { which: { case: 'renewals', metric: 'longestBlockMs' }, unit: 'ms blocked', most: 20 },
      // One that renews, and one for the time limits of all requests.
      {
        which: { case: 'renewals', metric: 'timers' },
        unit: 'timers in all, one of them for the limits of requests',
        most: 2,
      },
      { which: { case: 'renewals', metric: 'requestsPerRenewal' }, unit: 'requests a renewal', most: 0.05 },
      { which: { case: 'renewals', metric: 'lost' }, unit: 'lost', most: 0 },
    ],
    peer: bestPeer({ case: 'renewals', metric: 'longestBlockMs' }, 'less', 'ms blocked'),
  },
  {
    work: '50 callers in one process, a semaphore with 5 permits, sections of 1 ms',
    aim: '≤ 1.3 × an in-process semaphore; ≤ 0.3 requests a section; every caller served',
    criteria: [
      { which: { case: 'semaphore', metric: 'timeOfSemaphore', at: PERMITS_50 }, unit: '× in-process', most: 1.3 },
      {
        which: { case: 'semaphore', metric: 'requestsPerSection', at: PERMITS_50 },
        unit: 'requests a section',
        most: 0.3,
      },
      { which: { case: 'semaphore', metric: 'unservedCallers', at: PERMITS_50 }, unit: 'callers not served', most: 0 },
    ],
    peer: bestPeer({ case: 'semaphore', metric: 'timeOfSemaphore', at: PERMITS_50 }, 'less', '× in-process'),
  },
  {
    work: 'a fair lock, 1 caller in each of 2, 16 and 64 processes, sections of 1 ms',
    aim: 'with 64 as many requests a section as with 2, and at most twice the time',
    criteria: [
      growth({ case: 'fair', metric: 'requestsPerSection' }, TWO, SIXTY_FOUR, '× the requests', 1.1),
      growth({ case: 'fair', metric: 'msPerSection' }, TWO, SIXTY_FOUR, '× the time', 2),
    ],
    peer: bestPeer({ case: 'fair', metric: 'msPerSection', at: SIXTY_FOUR }, 'less', 'ms a section'),
  },
  {
    work: '1,000 readers at once in 4 processes, sections of 20 ms',
    aim: '≤ 10 requests in all; ≥ 0.9 × the speed without a lock',
    criteria: [
      { which: { case: 'readers', metric: 'requestsInRound' }, unit: 'requests in all', most: 10 },
      { which: { case: 'readers', metric: 'speedOfNoLock' }, unit: '× without a lock', least: 0.9 },
    ],
    peer: bestPeer({ case: 'readers', metric: 'speedOfNoLock' }, 'more', '× without a lock'),
  },
  {
    work: 'cold catalog, 4 replicas, 2,000 readers at once',
    aim: '1 rebuild; the last reader served within 1.2 × the rebuild',
    criteria: [
      { which: { case: 'catalog', metric: 'rebuildsEndToEnd' }, unit: 'rebuilds end to end', most: 1 },
      { which: { case: 'catalog', metric: 'rebuildsAtLock' }, unit: 'at the lock', most: 1 },
      { which: { case: 'catalog', metric: 'lastReaderAtLock' }, unit: '× the rebuild at the lock', most: 1.2 },
      { which: { case: 'catalog', metric: 'lastReaderEndToEnd' }, unit: '× end to end', most: 1.2 },
      // Told, not judged: it is what the machine needs to answer.
      { which: { case: 'catalog', metric: 'warmReadersEndToEnd' }, unit: '× for as many answers from a warm cache' },
    ],
    peer: bestPeer({ case: 'catalog', metric: 'lastReaderAtLock' }, 'less', '× the rebuild at the lock'),
  },
  {
    work: 'commands a section, 50 callers in one process',
    aim: '≤ 1/100 of those of the fastest peer that asks again every ms',
    criteria: [commandsOfFastestPoller('hot', HOT_50, 1 / 100)],
    peer: pollerText('hot', HOT_50),
  },
  {
    work: 'commands a section, 4 processes × 16 callers',
    aim: '≤ 1/10 of those of the fastest peer that asks again every ms',
    criteria: [commandsOfFastestPoller('processes', FOUR, 1 / 10)],
    peer: pollerText('processes', FOUR),
  },
];

/** What was aimed at, and what came of it. */
export function aimRows(findings: Findings): AimRow[] {
  return AIMS.map(({ work, aim, criteria, peer }) => {
    const judged = criteria.map((criterion) => judge(criterion, findings));
    const known = judged.every(({ met }) => met !== undefined);
    return {
      work,
      aim,
      measured: judged.map(({ text }) => text).join('; '),
      met: judged.some(({ met }) => met === false) ? false : known ? true : undefined,
      touched: judged.some(({ met }) => met !== undefined),
      peer: peer(findings) ?? 'none measured',
    };
  });
}
