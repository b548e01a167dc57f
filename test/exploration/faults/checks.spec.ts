import { describe, expect, it } from '@jest/globals';
import { judge } from './checker.js';
import type { Property } from './checks/check.js';
import { parseHistory, type BeginEvent, type HistoryEvent } from './history.js';
import { section, story, type SectionStory } from './testing/story.js';

const ALLOW = { waitMs: 100, signalMs: 20, freeMs: 2_000, refusals: false };
const LOOSE: Partial<BeginEvent> = { exclusion: 'until-state-lost' };
const PEER: Partial<BeginEvent> = { lib: 'peer', tokens: false };

const flushed = (at: number, healed = at + 1, names: 'all' | string[] = 'all'): HistoryEvent[] => [
  { type: 'fault', at, id: 'f', what: 'flush', stateLost: names },
  { type: 'healed', at: healed, id: 'f' },
];
const stopped = (from: number, to: number, process = 'p1'): HistoryEvent[] => [
  { type: 'paused', at: from, process },
  { type: 'resumed', at: to, process },
];
const asked = (caller: string, wait: number | null, names = ['a'], at = 0, process = 'p1'): HistoryEvent => ({
  ...{ type: 'want', at, process, caller, names, wait, lease: 'renew' },
});
const busy = (caller: string, at: number): HistoryEvent => ({ type: 'failed', at, caller, code: 'LOCK_BUSY' });
const disturbed = (from: number, to: number, graceMs?: number): HistoryEvent[] => [
  { type: 'fault', at: from, id: 'd', what: 'slow', ...(graceMs === undefined ? {} : { graceMs }) },
  { type: 'healed', at: to, id: 'd' },
];
const wrote = (at: number, seq: number, accepted = true) => ({ at, seq, accepted });

/** Section A from 0 to 50, and B right behind it. */
const A = section({ caller: 'A', enter: 0, token: 10, leave: 50 });
const B = section({ caller: 'B', process: 'p2', enter: 60, token: 20, leave: 90 });

const B_IN_A = section({ caller: 'B', process: 'p2', enter: 10, token: 20, leave: 40 });
/** Of a semaphore of two. */
const two = (...parts: HistoryEvent[][]): HistoryEvent[] => story({ permits: 2 }, ...parts);
const permit = (caller: string, enter: number, more: Partial<SectionStory> = {}): HistoryEvent[] =>
  section({ caller, process: 'p2', enter, token: enter + 100, leave: enter + 10, ...more });
/** One that is inside for three seconds. */
const long = (caller: string): HistoryEvent[] =>
  section({ caller, enter: 0, token: 1, remaining: 5_000, leave: 3_400 });
const want2 = (caller: string): HistoryEvent => ({ ...asked(caller, 0, ['a'], 20), take: 2 }) as HistoryEvent;

/** Of a read-write lock. */
const shared = (...parts: HistoryEvent[][]): HistoryEvent[] => story({ permits: 9, readers: true }, ...parts);
const reader = (caller: string, enter: number, token = 1, more: Partial<SectionStory> = {}): HistoryEvent[] =>
  section({ caller, enter, token, leave: enter + 30, ...more });
const writer = (caller: string, enter: number, token: number, more: Partial<SectionStory> = {}): HistoryEvent[] =>
  section({ caller, process: 'p2', enter, token, take: 9, leave: enter + 30, ...more });

/** Has the lock while others queue; they have it for a moment. */
const H = section({ caller: 'H', process: 'p3', enter: -10, token: 1, remaining: 2_000, leave: 1_450 });
const fair = (...parts: HistoryEvent[][]): HistoryEvent[] => story({ ordered: true, places: true }, H, ...parts);
const waits = (caller: string, want: number, enter: number): HistoryEvent[] =>
  section({ caller, want, enter, token: enter, leave: enter + 10 });

const THRICE: Property[] = ['malformed', 'malformed', 'malformed'];

type Case = [what: string, history: HistoryEvent[], ...found: Property[]];

const cases: Record<string, Case[]> = {
  exclusion: [
    ['one after the other', story({}, A, B)],
    ['two names at once', story({}, A, section({ caller: 'B', name: 'b', enter: 1, token: 1, leave: 50 }))],
    ['one inside the other', story({}, A, section({ caller: 'B', enter: 10, token: 11, leave: 20 })), 'exclusion'],
    ['by a hair', story({}, A, section({ caller: 'B', enter: 49.99, token: 11, leave: 80 })), 'exclusion'],
    [
      'behind the end of a lease that was not renewed',
      story({}, section({ caller: 'A', enter: 0, remaining: 40, token: 10, lost: 40, leave: 80 }), B),
    ],
    [
      'before the end of a lease that was renewed',
      story(
        {},
        section({ caller: 'A', enter: 0, token: 9, remaining: 40, looks: [{ at: 30, remaining: 40 }], leave: 65 }),
        B,
      ),
      'exclusion',
    ],
    [
      'behind the end of a lease that was made shorter',
      story(
        {},
        section({ caller: 'A', enter: 0, token: 9, looks: [{ at: 30, remaining: 10 }], lost: 40, leave: 80 }),
        B,
      ),
    ],
    [
      'with one whose lease was over when it entered',
      story({}, A, section({ caller: 'B', enter: 45, token: 9.5, want: -1, remaining: 0, leave: 46 })),
    ],
    ['a peer that knows no deadline', story(PEER, section({ caller: 'A', enter: 0, remaining: null, leave: 50 }))],
    [
      'two of a peer that knows no deadline',
      story(
        PEER,
        section({ caller: 'A', enter: 0, remaining: null, leave: 5_000 }),
        section({ caller: 'B', enter: 4_000, remaining: null, leave: 4_010 }),
      ),
      'exclusion',
    ],
    [
      'a flush in a run that does not promise more',
      story(LOOSE, A, flushed(10), section({ caller: 'B', enter: 20, token: 11, leave: 40 })),
    ],
    [
      'a flush before the first was stored',
      story(
        LOOSE,
        flushed(10),
        section({ caller: 'A', enter: 30, token: 10, leave: 50 }),
        section({ caller: 'B', enter: 40, token: 11, leave: 60 }),
      ),
      'exclusion',
    ],
    [
      'a flush before a renewal that showed the lock to be there',
      story(
        LOOSE,
        section({ caller: 'A', enter: 0, token: 10, looks: [{ at: 30, remaining: 1_000 }], leave: 50 }),
        flushed(10),
        section({ caller: 'B', enter: 40, token: 11, leave: 60 }),
      ),
      'exclusion',
    ],
    [
      'a flush of another name',
      story(LOOSE, A, flushed(10, 11, ['b']), section({ caller: 'B', enter: 20, token: 11, leave: 40 })),
      'exclusion',
    ],
    [
      'a flush in a run that promises more',
      story({}, A, flushed(10), section({ caller: 'B', enter: 20, token: 11, leave: 40 })),
      'exclusion',
    ],
  ],
  permits: [
    ['as many as there are', two(A, B_IN_A)],
    ['more', two(A, B_IN_A, permit('C', 20, { take: 1, token: 9 })), 'exclusion'],
    ['several at once', two(section({ caller: 'A', enter: 0, take: 2, token: 10, leave: 50 }), B)],
    ['one more than there are', two(A, permit('B', 20, { take: 2 })), 'exclusion'],
    [
      'all, of which one caller lost some by a flush',
      story({ permits: 2, ...LOOSE }, A, B_IN_A, flushed(15), permit('C', 20, { take: 1, token: 30 })),
    ],
    [
      'all, before the flush after which another came',
      story({ permits: 2, ...LOOSE }, A, B_IN_A, permit('C', 20, { token: 30 }), flushed(25)),
      'exclusion',
    ],
    [
      'more than could be lost by a flush',
      story(
        { permits: 2, ...LOOSE },
        flushed(5),
        section({ caller: 'A', enter: 0, token: 10, looks: [{ at: 12, remaining: 1_000 }], leave: 50 }),
        permit('B', 13),
        permit('C', 20, { token: 30 }),
      ),
      'exclusion',
    ],
    ['with a smaller token', two(A, permit('B', 20, { token: 9 }))],
    ['with one token', two(A, permit('B', 20, { token: 10 })), 'token-repeated'],
    [
      'of callers that all write',
      two(
        section({ caller: 'A', enter: 0, token: 10, writes: [wrote(30, 2)], leave: 50 }),
        permit('B', 20, { token: 11, writes: [wrote(21, 1)] }),
      ),
    ],
    ['free for a caller that waits for one', two(A, permit('B', 2_100, { want: 10, leave: 2_150 })), 'left-free'],
    ['too few for a caller that waits for two', two(long('A'), permit('B', 3_500, { want: 10, take: 2 }))],
    [
      'too few for a caller that another of several callers is before',
      two(long('A'), permit('C', 3_500, { want: 5, take: 2 }), permit('B', 3_520, { want: 10 })),
    ],
    [
      'that others take again and again while one waits',
      two(
        ...[1, 2, 3].map((turn) => permit(`C${turn}`, turn * 900, { process: 'p3', token: turn })),
        permit('B', 3_000, { want: 10 }),
      ),
      'left-free',
    ],
    ['too few for a caller that does not wait', two(A, [want2('B'), busy('B', 21)])],
    ['enough for a caller that does not wait', two(A, [asked('B', 0, ['a'], 20), busy('B', 21)]), 'refused-free'],
    [
      'enough for a caller that does not wait, behind one that waits for several',
      two(A, permit('C', 60, { want: 5, take: 2 }), [asked('B', 0, ['a'], 20), busy('B', 21)]),
    ],
  ],
  order: [
    ['of the requests', fair(waits('A', 0, 1_500), waits('B', 500, 1_600))],
    ['against the requests', fair(waits('A', 0, 1_600), waits('B', 500, 1_500)), 'out-of-order'],
    ['of an exclusive lock', story({}, H, waits('A', 0, 1_600), waits('B', 500, 1_500))],
    ['of requests that were sent almost at once', fair(waits('A', 0, 1_600), waits('B', 200, 1_500))],
    [
      'behind one that asked earlier and was aborted',
      fair(
        [{ ...asked('A', null), mayAbort: true } as HistoryEvent],
        [{ ...busy('A', 1_400), code: 'LOCK_ABORTED' } as HistoryEvent],
        waits('B', 500, 1_500),
      ),
    ],
    ['behind one whose wait was over', fair([asked('A', 1_450)], [busy('A', 1_550)], waits('B', 500, 1_500))],
    [
      'behind one that was refused later',
      fair([asked('A', 1_900)], [busy('A', 1_900)], waits('B', 500, 1_500)),
      'out-of-order',
    ],
    ['over a fault', fair(disturbed(300, 400, 0), waits('A', 0, 1_600), waits('B', 500, 1_500))],
    ['while one stands still', fair(stopped(300, 400), waits('A', 0, 1_600), waits('B', 500, 1_500))],
  ],
  'readers and writers': [
    ['several readers', shared(reader('A', 10), reader('B', 20))],
    ['a reader with a writer', shared(reader('A', 10), writer('B', 20, 1)), 'exclusion'],
    ['a writer with a reader', shared(writer('A', 10, 1), reader('B', 20, 1)), 'exclusion'],
    [
      'a reader with the token of the writer before',
      shared(writer('A', 10, 5), reader('B', 60, 5), reader('C', 70, 5)),
    ],
    ['a reader with an older token', shared(writer('A', 10, 5), reader('B', 60, 4)), 'token-went-back'],
    [
      'a reader with an older token, behind a failover that lost the last one',
      story(
        { ...LOOSE, permits: 9, readers: true },
        writer('A', 10, 5),
        flushed(45, 50),
        reader('B', 60, 4),
        writer('C', 100, 6),
      ),
    ],
    [
      'a writer with an older token, behind a failover that lost the last one',
      story({ ...LOOSE, permits: 9, readers: true }, writer('A', 10, 5), flushed(45, 50), writer('B', 60, 4)),
      'token-went-back',
    ],
    ['a writer with the token of another', shared(writer('A', 10, 5), writer('B', 60, 5)), 'token-repeated'],
    [
      'a late reader that is refused',
      shared(
        reader('A', 10, 1, { lost: 50, writes: [wrote(90, 2, false)], leave: 95 }),
        writer('B', 60, 5, { writes: [wrote(61, 1)] }),
      ),
    ],
    [
      'a late reader that is let through',
      shared(
        reader('A', 10, 1, { lost: 50, writes: [wrote(90, 2)], leave: 95 }),
        writer('B', 60, 5, { writes: [wrote(61, 1)] }),
      ),
      'stale-write',
    ],
  ],
  tokens: [
    ['that grow', story({}, A, B)],
    ['twice the same', story({}, A, section({ caller: 'B', enter: 60, token: 10, leave: 90 })), 'token-repeated'],
    [
      'the same again much later',
      story({}, A, B, section({ caller: 'C', enter: 100, token: 10, leave: 110 })),
      'token-repeated',
      'token-went-back',
    ],
    ['smaller', story({}, A, section({ caller: 'B', enter: 60, token: 9, leave: 90 })), 'token-went-back'],
    ['of another name', story({}, A, section({ caller: 'B', name: 'b', enter: 60, token: 9, leave: 90 }))],
    [
      'granted before and told after the other',
      story(
        {},
        section({ caller: 'B', enter: 60, token: 20, leave: 90 }),
        section({ caller: 'A', want: 0, enter: 100, token: 10, leave: 110 }),
      ),
    ],
    [
      'from a block that was reserved before a flush',
      story(
        LOOSE,
        section({ caller: 'A', enter: 0, token: 10, leave: 50 }),
        flushed(51, 52),
        section({ caller: 'B', process: 'p2', enter: 60, token: 200, leave: 90 }),
        section({ caller: 'C', enter: 100, remaining: 900, token: 11, leave: 110 }),
      ),
    ],
    [
      'behind a flush, and not from such a block',
      story(
        LOOSE,
        section({ caller: 'A', enter: 0, token: 10, leave: 50 }),
        flushed(51, 52),
        section({ caller: 'B', process: 'p2', enter: 60, token: 200, leave: 90 }),
        section({ caller: 'C', process: 'p3', enter: 100, remaining: 900, token: 11, leave: 110 }),
      ),
      'token-went-back',
    ],
  ],
  'stale writes': [
    [
      'refused',
      story(
        {},
        section({ caller: 'A', enter: 0, token: 10, writes: [wrote(1, 1), wrote(70, 3, false)], leave: 80 }),
        section({ caller: 'B', want: 0, enter: 81, token: 20, writes: [wrote(82, 2)], leave: 90 }),
      ),
    ],
    [
      'let through',
      story(
        {},
        section({ caller: 'A', enter: 0, token: 10, writes: [wrote(79, 3)], leave: 80 }),
        section({ caller: 'B', want: 0, enter: 81, token: 20, writes: [wrote(82, 2)], leave: 90 }),
      ),
      'stale-write',
    ],
    [
      'with the token of another',
      story(
        {},
        section({ caller: 'A', enter: 0, token: 10, writes: [wrote(1, 1)], leave: 80 }),
        section({ caller: 'B', want: 0, enter: 81, token: 10, writes: [wrote(82, 2)], leave: 90 }),
      ),
      'token-repeated',
      'stale-write',
    ],
    [
      'twice by one section',
      story({}, section({ caller: 'A', enter: 0, token: 1, writes: [wrote(1, 1), wrote(2, 2)], leave: 3 })),
    ],
    [
      'refused without reason',
      story({}, section({ caller: 'A', enter: 0, token: 1, writes: [wrote(1, 1), wrote(2, 2, false)], leave: 3 })),
      'wrongly-refused',
    ],
    [
      'refused at first',
      story({}, section({ caller: 'A', enter: 0, token: 1, writes: [wrote(1, 1, false)], leave: 3 })),
      'wrongly-refused',
    ],
    [
      'of a peer behind its successor',
      story(
        PEER,
        section({ caller: 'A', enter: 0, remaining: 50, writes: [wrote(90, 2)], lost: 50, leave: 95 }),
        section({ caller: 'B', process: 'p2', enter: 60, writes: [wrote(61, 1)], leave: 90 }),
      ),
      'stale-write',
    ],
    [
      'of a peer whose successor has not written',
      story(
        PEER,
        section({ caller: 'A', enter: 0, remaining: 50, writes: [wrote(90, 1)], lost: 50, leave: 95 }),
        section({ caller: 'B', process: 'p2', enter: 60, leave: 90 }),
      ),
    ],
  ],
  'lost locks': [
    ['signalled at the deadline', story({}, section({ caller: 'A', enter: 0, token: 1, lost: 1_000, leave: 1_200 }))],
    ['signalled long before', story({}, section({ caller: 'A', enter: 0, token: 1, lost: 100, leave: 1_200 }))],
    [
      'signalled late',
      story({}, section({ caller: 'A', enter: 0, token: 1, lost: 1_021, leave: 1_200 })),
      'not-signalled',
    ],
    ['never signalled', story({}, section({ caller: 'A', enter: 0, token: 1, leave: 1_200 })), 'not-signalled'],
    ['known at the end of the section', story({}, section({ caller: 'A', enter: 0, token: 1, leave: 1_010 }))],
    [
      'signalled late behind a pause',
      story({}, section({ caller: 'A', enter: 0, token: 1, lost: 1_501, leave: 1_700 }), stopped(900, 1_500)),
    ],
    [
      'signalled long after a pause',
      story({}, section({ caller: 'A', enter: 0, token: 1, lost: 1_600, leave: 1_700 }), stopped(900, 1_500)),
      'not-signalled',
    ],
    [
      'signalled late behind the pause of another process',
      story({}, section({ caller: 'A', enter: 0, token: 1, lost: 1_501, leave: 1_700 }), stopped(900, 1_500, 'p2')),
      'not-signalled',
    ],
    [
      'with the process killed',
      story({}, section({ caller: 'A', enter: 0, token: 1 }), [{ type: 'killed', at: 900, process: 'p1' }]),
    ],
    [
      'never signalled, and the process killed much later',
      story({}, section({ caller: 'A', enter: 0, token: 1 }), [{ type: 'killed', at: 1_900, process: 'p1' }]),
      'not-signalled',
    ],
  ],
  callers: [
    [
      'sent away after their wait',
      story({}, [asked('A', 50), { type: 'failed', at: 140, caller: 'A', code: 'LOCK_BUSY' }]),
    ],
    [
      'sent away late',
      story({}, [asked('A', 50), { type: 'failed', at: 151, caller: 'A', code: 'LOCK_BUSY' }]),
      'forgotten',
    ],
    [
      'served late',
      story({}, section({ caller: 'A', want: 0, wait: 50, enter: 151, token: 1, leave: 160 })),
      'forgotten',
    ],
    [
      'sent away late behind a pause',
      story({}, [asked('A', 50), { type: 'failed', at: 999, caller: 'A', code: 'LOCK_BUSY' }], stopped(20, 950)),
    ],
    ['told nothing', story({}, [asked('A', 50)]), 'forgotten'],
    ['who wait for ever, and in vain', story({}, [asked('A', null)]), 'forgotten'],
    [
      'who wait for ever, and are called busy',
      story({}, [asked('A', null), { type: 'failed', at: 140, caller: 'A', code: 'LOCK_BUSY' }]),
      'forgotten',
    ],
    ['killed', story({}, [asked('A', null), { type: 'killed', at: 10, process: 'p1' }])],
    ['refused', story({}, [asked('A', null), { type: 'failed', at: 1, caller: 'A', code: 'LOCK_UNAVAILABLE' }])],
    ['who get one of two names', story({}, [asked('A', 50, ['a', 'b']), ...A.slice(1)]), 'forgotten'],
    [
      'who aborted',
      story({}, [
        { ...asked('A', null), mayAbort: true } as HistoryEvent,
        { type: 'failed', at: 1, caller: 'A', code: 'LOCK_ABORTED' },
      ]),
    ],
    ['told of a mistake', story({}, [asked('A', 50), { type: 'failed', at: 1, caller: 'A', code: 'X' }]), 'unexpected'],
    ['told so by a peer', story(PEER, [asked('A', 50), { type: 'failed', at: 1, caller: 'A', code: 'X' }])],
    ['who never leave', story({}, section({ caller: 'A', enter: 0, token: 1, lost: 900 })), 'unfinished'],
    ['whose release has no answer', story({}, A.slice(0, -1)), 'unfinished'],
  ],
  'free locks': [
    ['taken soon', story({}, section({ caller: 'A', want: 0, enter: 1_900, token: 1, leave: 1_950 }))],
    ['taken late', story({}, section({ caller: 'A', want: 0, enter: 2_100, token: 1, leave: 2_150 })), 'left-free'],
    [
      'taken late after a release',
      story({}, A, section({ caller: 'B', process: 'p2', want: 10, enter: 2_100, token: 20, leave: 2_150 })),
      'left-free',
    ],
    [
      'wanted by one caller after the other in vain',
      story({}, [
        ...[0, 1, 2].flatMap((turn) => [asked(`A${turn}`, 700, ['a'], turn * 800), busy(`A${turn}`, turn * 800 + 701)]),
      ]),
      'left-free',
    ],
    [
      'not wanted in between',
      story({}, [asked('A', 1_500), busy('A', 1_501), asked('B', 400, ['a'], 9_000), busy('B', 9_401)]),
    ],
    [
      'taken late, with a fault that keeps the servers from granting it',
      story({}, section({ caller: 'A', want: 0, enter: 7_000, token: 1, leave: 7_050 }), disturbed(10, 500)),
    ],
    [
      'taken long after such a fault',
      story(
        {},
        section({ caller: 'A', want: 0, wait: null, enter: 9_000, token: 1, leave: 9_050 }),
        disturbed(10, 500),
      ),
      'left-free',
    ],
    [
      'taken late with a fault that the setup gets over',
      story({}, section({ caller: 'A', want: 0, enter: 2_100, token: 1, leave: 2_150 }), disturbed(10, 3_000, 0)),
      'left-free',
    ],
    [
      'taken late with a fault that has an allowance',
      story({}, section({ caller: 'A', want: 0, enter: 2_900, token: 1, leave: 2_950 }), disturbed(10, 3_000, 1_000)),
    ],
    [
      'taken late on a machine that was busy',
      story({}, section({ caller: 'A', want: 0, enter: 2_100, token: 1, leave: 2_150 }), [
        { type: 'stalled', at: 900, since: 100, process: 'p2' },
      ]),
    ],
    [
      'wanted by a process that stands still',
      story({}, section({ caller: 'A', want: 0, enter: 2_100, token: 1, leave: 2_150 }), stopped(10, 2_000)),
    ],
    [
      'whose holder was killed',
      story(
        {},
        section({ caller: 'A', process: 'p2', enter: 0, token: 1 }),
        [{ type: 'killed', at: 900, process: 'p2' }],
        section({ caller: 'B', want: 10, enter: 2_500, token: 2, leave: 2_550 }),
      ),
    ],
    [
      'that one who waits for a second lock may hold',
      story(
        {},
        [asked('B', 5_000, ['a', 'b'], 0, 'p2'), busy('B', 5_001)],
        section({ caller: 'A', want: 10, enter: 5_010, token: 1, leave: 5_050 }),
      ),
    ],
    [
      'refused to all',
      story({}, [asked('A', 0), busy('A', 1), asked('B', 0), busy('B', 2)]),
      'refused-free',
      'refused-free',
    ],
    ['refused while another has it', story({}, A, [asked('B', 0, ['a'], 10, 'p2'), busy('B', 11)])],
    ['refused while another asks, who gets it', story({}, A, [asked('B', 0, ['a'], -0.4, 'p2'), busy('B', -0.3)])],
    ['refused before another asks', story({}, A, [asked('B', 0, ['a'], -9, 'p2'), busy('B', -8)]), 'refused-free'],
    [
      'refused while kept for a minimum time',
      story(
        {},
        A.map((event) => (event.type === 'want' ? { ...event, holdAtLeast: 500 } : event)),
        [asked('B', 0, ['a'], 400, 'p2'), busy('B', 401)],
      ),
    ],
    ['refused during a fault', story({}, [asked('A', 0), busy('A', 1)], disturbed(-10, -9))],
  ],
  'what is left': [
    ['keys', spoilt({ type: 'left', at: 5_000, what: { keys: ['lock:a'] } }), 'left-behind'],
    ['a timer', spoilt({ type: 'left', at: 5_000, process: 'p1', what: { timers: 1 } }), 'left-behind'],
    ['unknown', story({}, A).filter(({ type }) => type !== 'left'), 'left-behind', 'left-behind'],
  ],
  'events out of place': [
    ['no end', story({}, A).slice(0, -1), 'malformed'],
    ['twice in', story({}, A, [{ ...A[1]!, at: 7 }]), 'malformed'],
    ['in and refused', story({}, A, [{ type: 'failed', at: 7, caller: 'A', code: 'LOCK_BUSY' }]), 'malformed'],
    [
      'refused and in',
      story({}, [A[0]!, { type: 'failed', at: -0.2, caller: 'A', code: 'LOCK_UNAVAILABLE' }, ...A.slice(1)]),
      ...THRICE,
    ],
    [
      'a write of nobody',
      story({}, [{ type: 'write', at: 1, caller: 'X', name: 'a', token: 1, seq: 1, accepted: true }]),
      'malformed',
    ],
    [
      'a borrowed token',
      story({}, A, [{ type: 'write', at: 1, caller: 'A', name: 'a', token: 5, seq: 1, accepted: true }]),
      'malformed',
    ],
    ['a name not asked for', story({}, A, [{ ...A[1]!, name: 'b' } as HistoryEvent]), 'malformed'],
    ['healed without a fault', story({}, [{ type: 'healed', at: 1, id: 'f' }]), 'malformed'],
  ],
};

describe.each(Object.entries(cases))('%s', (_property, each) => {
  it.each(each)('%s', (_what, history, ...found) => {
    expect(judge(history, ALLOW).violations.map(({ property }) => property)).toEqual(found);
  });
});

describe('a history', () => {
  it('is rejected if it is out of order', () => {
    expect(() => judge(story({}, A).toReversed(), ALLOW)).toThrow(/begin/);
    const [begin, first, second, ...rest] = story({}, A);
    expect(() => judge([begin!, second!, first!, ...rest], ALLOW)).toThrow(/order/);
  });

  it('is read without the incomplete line of a writer that was killed', () => {
    const lines = story({}, A).map((event) => JSON.stringify(event));
    expect(parseHistory(`${lines.join('\n')}\n{"at":1,"ty`)).toEqual(story({}, A));
    expect(parseHistory(lines.join('\n'))).toEqual(story({}, A));
    expect(() => parseHistory(`{"at":1,"ty\n${lines.join('\n')}\n`)).toThrow();
  });

  it('gives the figures for the table', () => {
    const waited = section({ caller: 'B', want: 10, enter: 60, token: 20, leave: 90 });
    const far = section({ caller: 'C', want: 70, process: 'p2', enter: 100, token: 30, leave: 101 });
    expect(judge(story({}, A, waited, far), ALLOW).counts).toMatchObject({
      ...{ sections: 3, served: 3, names: 1, handOvers: 2, handOversInProcess: 1 },
      ...{ doubleHolders: 0, lostLocks: 0, acceptedWrites: 0, refusedWrites: 0 },
    });
  });
});

function spoilt(event: HistoryEvent): HistoryEvent[] {
  const whole = story({}, A);
  return [...whole.slice(0, -1), event, { type: 'end', at: 5_000 }];
}
