import { acquire, confirm, grant, mark, release, renew, sideKeyOf, type ScriptModel } from '../redis/script-models.js';
import type { Call, Fault, Schedule } from '../schedule.js';
import type { Mutation } from './loader.js';

/** A fault put into the protocol on purpose. At least one schedule has to show it. */
export interface ListedMutation extends Mutation {
  /** On how many nodes it has to be noticed. */
  readonly nodes: readonly number[];
  /** Changes of what scripts do on the servers. */
  readonly models?: Readonly<Record<string, ScriptModel>>;
  /** Schedules that are tried first, where chance would take long to make one that shows it. */
  readonly examples?: readonly Schedule[];
  /** Whether schedules with nodes that are away are tried before others. */
  readonly away?: boolean;
}

const SINGLE = [1];
const QUORUM = [3, 5];
const ALL = [1, 3, 5];

const STORE = 'stores/quorum/quorum-store';
const GUARD = 'stores/quorum/restart-guard';
const MARKER = 'stores/quorum/marker';
const ELECTION = 'stores/quorum/election';
const PURSUIT = 'waiting/pursuit';
const LINE = 'waiting/wait-line';
const VIGIL = 'waiting/vigil';
const STRAYS = 'stores/redis/scripts/stray-acquires';

/** Deletes the lock, whoever holds it. */
const releaseUnchecked: ScriptModel = (keys, args, redis, publish) =>
  keys.flatMap((key) => [redis.del(key) ? 1 : 0, publish(sideKeyOf(key, String(args[1])), '0')]);

const releaseQuietly: ScriptModel = (keys, args, redis) => release(keys, args, redis, () => 0);

/** Tokens come from the stored counter only, as a plain INCR would issue them. */
const acquireByCounter: ScriptModel = (keys, args, redis, publish) => {
  const counted = { time: () => 1 };
  return acquire(keys, args, Object.setPrototypeOf(counted, redis) as typeof redis, publish);
};

/** An owner that is there already is told that the lock is taken. */
const acquireOnce: ScriptModel = (keys, args, redis, publish) => {
  const held = keys.some((key, i) => i % 2 === 0 && redis.hexists(key, String(args[3 + i / 2])));
  return held
    ? keys.filter((_, i) => i % 2 === 0).flatMap((key) => [0, redis.pttl(key)])
    : acquire(keys, args, redis, publish);
};

/** Sets the lease, however long the one is that still runs. */
function always(model: ScriptModel): ScriptModel {
  return (keys, args, redis, publish) => {
    const forgetful = { pttl: (key: string) => Math.min(redis.pttl(key), 0) };
    return model(keys, args, Object.setPrototypeOf(forgetful, redis) as typeof redis, publish);
  };
}

/** A request for a length sets it, whatever its number. */
const renewUnnumbered: ScriptModel = (keys, args, redis, publish) =>
  (args[2] === 1 ? always(renew) : renew)(keys, args, redis, publish);

/** Whatever token is proposed is taken, as if the server's clock said so. */
const grantAnyToken: ScriptModel = (keys, [ttl, key, id, ...args], redis, publish) =>
  keys.flatMap((_, i) => {
    if (i % 2 === 1) return [];
    const own = args.slice(2 * i, 2 * i + 4);
    const agreeing = { time: () => Number(own[3]) };
    const one = [keys[i]!, keys[i + 1]!];
    const reply = grant(
      one,
      [ttl!, key!, id!, ...own],
      Object.setPrototypeOf(agreeing, redis) as typeof redis,
      publish,
    );
    return Array.isArray(reply) ? (reply as number[]) : [1, Number(reply)];
  });

/** Gives votes whatever marker the node has. */
function withoutMarker(model: ScriptModel): ScriptModel {
  return (keys, [ttl, , , ...args], redis, publish) => model(keys, [ttl!, '', '', ...args], redis, publish);
}

/** Takes the marker that is there for that of this server process. */
const markAnyProcess: ScriptModel = (keys, [run, ...args], redis, publish) => {
  const [stored] = redis.hgetall(keys[0]!);
  return mark(keys, [stored?.[1].split(' ')[0] ?? run!, ...args], redis, publish);
};

function someCall(at: number, process: number, more: Partial<Call>): Call {
  const names = 'a';
  const usual = {
    late: false,
    callers: 1,
    abort: null,
    extend: null,
    again: null,
    holdAtLeast: 0,
    nested: false,
  } as const;
  return { at, process, names, wait: 'ever', lease: 'renew', section: 450, ...usual, ...more };
}

function standstill(at: number, ms: number, asleep: boolean): Fault {
  return { at, kind: 'pause', process: 0, ms, asleep, first: 'message' };
}

function schedule(seed: number, calls: readonly Call[], faults: readonly Fault[]): Schedule {
  return { seed, client: 'own', calls, faults };
}

/** Delays are by chance, so that not every seed makes what a schedule is meant for. */
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

/** When a first request is on its way, on one node or on several: about then, since delays are by chance. */
const ON_THE_WAY = [100.4, 100.7, 101, 101.3];

/** The process stands still while its grant is on the way, for longer than the lease. */
const LATE_GRANT = ON_THE_WAY.map((at) =>
  schedule(5, [someCall(100, 0, { lease: 60, section: 5 })], [standstill(at, 120, false)]),
);

/** As above, but less long than the lease: it is over earlier than if it counted from the answer. */
const SLOW_GRANT = ON_THE_WAY.flatMap((at) =>
  [1, 5].map((seed) =>
    schedule(seed, [someCall(100, 0, { lease: 200 }), someCall(250, 1, {})], [standstill(at, 120, false)]),
  ),
);

const SLEEPING_HOLDER = schedule(
  1,
  [someCall(100, 0, { lease: 700 }), someCall(150, 1, {})],
  [standstill(200, 350, true)],
);

const LOST_RELEASE = schedule(
  1,
  [someCall(100, 0, { lease: 20_000, section: 30 })],
  [{ at: 120, kind: 'hold', process: 0, node: 0, direction: 'requests', ms: 40, thenCut: true }],
);

/** An acquire is in flight when its connection is cut, and its caller gives up; the network may deliver it later. */
const KEPT_ACQUIRE = Array.from({ length: 16 }, (_, seed) =>
  schedule(
    seed,
    // The first call teaches the nodes the script.
    [someCall(20, 0, { section: 1 }), someCall(100, 0, { lease: 20_000, wait: 30, section: 5 })],
    [{ at: 99, kind: 'hold', process: 0, node: 0, direction: 'requests', ms: 40, thenCut: true }],
  ),
);

/** Requests for a shorter lease are in flight when connections are cut; the lease is made longer, and then they may arrive. */
const lateShortening = (nodes: readonly number[]): readonly Schedule[] =>
  Array.from({ length: 24 }, (_, seed) =>
    schedule(
      seed,
      [
        someCall(20, 0, { section: 1 }),
        someCall(100, 0, { lease: 19_000, section: 3_000, extend: 700, again: 20_000 }),
      ],
      nodes.map((node) => ({
        at: 1_598,
        kind: 'hold',
        process: 0,
        node,
        direction: 'requests',
        ms: 40,
        thenCut: true,
      })),
    ),
  );

/** As above, but the request is the acquire of a caller that gave up. */
const LATE_SHORT_ACQUIRE = Array.from({ length: 24 }, (_, seed) =>
  schedule(
    seed,
    [
      someCall(20, 0, { section: 1 }),
      someCall(100, 0, { lease: 700, wait: 30 }),
      someCall(100, 0, { lease: 20_000, section: 3_000 }),
    ],
    [{ at: 99, kind: 'hold', process: 0, node: 0, direction: 'requests', ms: 40, thenCut: true }],
  ),
);

/** The peer of the connection on which a waiter listens is gone without a word. */
const VANISHED_LISTENER = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    [someCall(100, 0, { section: 9_000 }), someCall(110, 1, {})],
    [{ at: 400, kind: 'vanish', process: 1, node: 0, ms: 2 }],
  ),
);

/** Replies take longer than the request timeout. */
const SLOW_LINK = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    [someCall(100, 0, { lease: 20_000, section: 5 })],
    [{ at: 99, kind: 'hold', process: 0, node: 0, direction: 'replies', ms: 350, thenCut: false }],
  ),
);

/** The lock is released while a waiter's connection for notices is down. */
const MISSED_NOTICE = schedule(
  1,
  [someCall(100, 0, { lease: 20_000 }), someCall(150, 1, { lease: 20_000 })],
  [{ at: 400, kind: 'cut', process: 1, node: 0, which: 'notices', ms: 350 }],
);

/** Who waits tries while notices arrive already; its answer is held back, and the notice comes first. */
const NOTICE_DURING_TRY = [1, 4, 8].map((seed) =>
  schedule(
    seed,
    [
      someCall(50, 0, { section: 30 }),
      someCall(52, 1, { section: 1 }),
      someCall(1_000, 0, { lease: 20_000, section: 30 }),
      someCall(1_010, 1, { lease: 20_000 }),
    ],
    [{ at: 1_010.1, kind: 'hold', process: 1, node: 0, direction: 'replies', ms: 40, thenCut: false }],
  ),
);

/** Of the two that are to go first, one gives up waiting. */
const LEFT_BY_ANOTHER = [10, 12, 13].map((seed) =>
  schedule(
    seed,
    [
      someCall(100, 0, { lease: 20_000, section: 30 }),
      someCall(110, 1, { lease: 20_000, section: 50 }),
      someCall(111, 2, { lease: 20_000, section: 50, abort: 60 }),
      someCall(131.5, 0, { lease: 20_000, section: 30 }),
      someCall(132, 0, { lease: 20_000, section: 30 }),
    ],
    [],
  ),
);

/** All ask at once, so that nobody may get a majority. */
const SPLIT = SEEDS.map((seed) =>
  schedule(
    seed,
    [0, 1, 2].map((process) => someCall(100, process, { lease: 20_000 })),
    [],
  ),
);

/** The lock is released between the answer "busy" and the subscription, on a connection that stands already. */
const RELEASED_BEFORE_SUBSCRIBED = SEEDS.map((seed) =>
  schedule(
    seed,
    [
      someCall(50, 0, { names: 'b', section: 30 }),
      someCall(52, 1, { names: 'b', section: 1 }),
      someCall(1_300, 0, { lease: 20_000, section: 1 }),
      someCall(1_300.3, 1, { lease: 20_000, section: 1 }),
    ],
    [],
  ),
);

const ISOLATED_HOLDER = schedule(
  1,
  [someCall(100, 0, {}), someCall(110, 1, {})],
  [{ at: 120, kind: 'isolate', process: 0, spared: null, ms: 900 }],
);

const NEARLY_ISOLATED_HOLDER = schedule(1, ISOLATED_HOLDER.calls, [
  { at: 120, kind: 'isolate', process: 0, spared: 0, ms: 900 },
]);

const POWER_CUT = schedule(
  1,
  [someCall(100, 0, { lease: 20_000 }), someCall(150, 1, { lease: 20_000 })],
  [{ at: 120, kind: 'power-cut', ms: 10 }],
);

/** A majority stands still for longer than a lease, and then carries out what it received before. */
const PAUSED_MAJORITY = SEEDS.slice(0, 12).map((seed) =>
  schedule(
    seed,
    [someCall(20, 0, { section: 1 }), someCall(100, 0, { lease: 20_000, wait: 30 })],
    [1, 2].map((node) => ({ at: 99, kind: 'stall', node, ms: 24_000 })),
  ),
);

/** A holder has its votes for 20 s; the nodes forget them in different ways, and another process asks for votes. */
const FORGOTTEN_CALLS = [someCall(100, 0, { lease: 20_000, section: 19_000 }), someCall(150, 1, { lease: 20_000 })];

/** A process whose clock is set forward takes a lock; the nodes lose all tokens, and another process takes it. */
const FAST_CLOCK = schedule(
  1,
  [someCall(100, 0, { section: 30 }), someCall(500, 1, {})],
  [
    { at: 50, kind: 'wall-step', process: 0, ms: 2, by: 3_600_000 },
    { at: 400, kind: 'power-cut', ms: 10 },
  ],
);

/** The state is lost under open connections. */
const FLUSHED_NODES = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    FORGOTTEN_CALLS,
    [0, 1, 2, 3].map((node) => ({ at: 400, kind: 'flush', node: Math.min(node, 2), ms: 2 })),
  ),
);

/** Another server with the marker, but without the last writes, answers under each name. */
const FAILED_OVER = [1, 2, 3].flatMap((seed) =>
  [3, 5].map((nodes) =>
    schedule(
      seed,
      FORGOTTEN_CALLS,
      Array.from({ length: Math.ceil(nodes / 2) }, (_, node) => ({ at: 90, kind: 'failover', node, ms: 2, lag: 100 })),
    ),
  ),
);

/** Nodes are replaced, and their clocks set forward while their markers are young; then a process connects again. */
const CLOCK_SET_FORWARD = [1, 2, 3].map((seed) =>
  schedule(seed, FORGOTTEN_CALLS, [
    ...[0, 1, 2].map((node): Fault => ({ at: 400, kind: 'set-clock', node, ms: 900, ahead: 15_000 })),
    ...[0, 1, 2].map((node): Fault => ({ at: 1_500, kind: 'cut', process: 1, node, which: 'commands', ms: 2 })),
  ]),
);

/** No caller asks for a vote in the guard period after the state is lost. */
const UNNOTICED_FLUSH = schedule(
  1,
  [someCall(100, 0, { section: 5 }), someCall(100, 1, { late: true, section: 5 })],
  [0, 1, 2].map((node) => ({ at: 400, kind: 'flush', node, ms: 2 })),
);

/** A process connects again while the server denies INFO. */
const DENIED_INFO = schedule(
  1,
  [someCall(20, 1, { section: 1 })],
  [
    { at: 90, kind: 'deny-info', node: 0, ms: 350 },
    { at: 100, kind: 'cut', process: 1, node: 0, which: 'commands', ms: 2 },
  ],
);

/** Node 1 has no vote for the holder; another process has it under two names. */
const TWO_NAMES = [1, 2, 3].map((seed) =>
  schedule(
    seed,
    [someCall(400, 0, { lease: 20_000, section: 900 }), someCall(500, 1, { lease: 20_000 })],
    [
      { at: 60, kind: 'refuse', process: 0, node: 1, ms: 900 },
      { at: 60, kind: 'rename', process: 1, node: 2, to: 1, ms: 900 },
    ],
  ),
);

function edit(name: string, nodes: readonly number[], file: string, from: string, to: string): ListedMutation {
  return { name, nodes, edits: [{ file, from, to }] };
}

export const MUTATIONS: readonly ListedMutation[] = [
  { name: 'no compare in release', nodes: ALL, models: { RELEASE: releaseUnchecked } },
  { name: 'no notice on release', nodes: ALL, models: { RELEASE: releaseQuietly } },
  {
    ...edit('a silent node votes for the rival', QUORUM, ELECTION, 'if (this.isStaying(owner))', 'if (true)'),
    away: true,
  },
  { name: 'tokens from the counter only', nodes: SINGLE, models: { ACQUIRE: acquireByCounter } },
  { name: 'a resent acquire finds itself in the way', nodes: SINGLE, models: { ACQUIRE: acquireOnce } },
  {
    ...edit(
      'no second try after subscribing',
      SINGLE,
      PURSUIT,
      'else if (outlook.listening)\n            this.vigil',
      'else if (true)\n            this.vigil',
    ),
    examples: RELEASED_BEFORE_SUBSCRIBED,
  },
  {
    name: 'a late grant counts',
    examples: LATE_GRANT,
    nodes: ALL,
    edits: [
      { file: PURSUIT, from: 'if (hold.remaining() > 0)', to: 'if (true)' },
      { file: STORE, from: "'token' in result && timeLeft > 0", to: "'token' in result" },
      { file: LINE, from: ' || hold.remaining() <= 0', to: '' },
    ],
  },
  {
    ...edit(
      'a notice is lost while a try is under way',
      SINGLE,
      VIGIL,
      'this.notices === notices ? remainingMs : Math.min(this.patience(), remainingMs)',
      'remainingMs',
    ),
    examples: NOTICE_DURING_TRY,
  },
  {
    ...edit('nobody is woken while others are to go first', SINGLE, VIGIL, 'this.sleeper.endIn(patience);', ';'),
    examples: LEFT_BY_ANOTHER,
  },
  {
    ...edit('deaf to notices after a split', QUORUM, VIGIL, 'this.deaf = false;\n            then();', 'then();'),
    examples: SPLIT,
  },
  edit(
    'a grant that nobody waits for is kept',
    ALL,
    PURSUIT,
    'this.uncertain = true;\n            hold = null;',
    'hold = null;',
  ),
  edit('the next caller gets whatever lease there is', ALL, LINE, 'else if (this.fits(hold, next))', 'else if (true)'),
  edit('no settling of a lost reply', SINGLE, PURSUIT, 'if (this.uncertain || this.stray)', 'if (false)'),
  {
    ...edit('a release behind a lost acquire is not repeated', ALL, STRAYS, 'stray.until = Math.max(', '0 * Math.max('),
    examples: KEPT_ACQUIRE,
  },
  {
    name: 'a late renewal makes the lease shorter',
    nodes: SINGLE,
    models: { RENEW: always(renew) },
    examples: lateShortening([0]),
  },
  {
    name: 'a late renewal makes the lease shorter on two nodes',
    nodes: [3],
    models: { RENEW: always(renew) },
    examples: lateShortening([0, 1]),
  },
  {
    name: 'a late acquire makes the lease shorter',
    nodes: SINGLE,
    models: { ACQUIRE: always(acquire) },
    examples: LATE_SHORT_ACQUIRE,
  },
  {
    name: 'a late request for a length counts',
    nodes: SINGLE,
    models: { RENEW: renewUnnumbered },
    examples: lateShortening([0]),
  },
  {
    ...edit(
      'a silent connection that listens is not replaced',
      ALL,
      'stores/redis/connection/heartbeat',
      'if (this.silentTicks >= LIMIT_TICKS)',
      'if (false)',
    ),
    examples: VANISHED_LISTENER,
  },
  { ...edit('a late grant is dropped', SINGLE, PURSUIT, 'this.onReply(reply);', ';'), examples: SLOW_LINK },
  {
    ...edit(
      'no settling of a lost release',
      SINGLE,
      LINE,
      'settler.settle(this.name, hold.owner, hold.leaseMs, { keepMs, underWay });',
      '',
    ),
    examples: [LOST_RELEASE],
  },
  {
    ...edit(
      'the deadline counts from the reply',
      SINGLE,
      'stores/redis/scripts/flight',
      'this.sender.onReply(value, this);',
      'this.sender.onReply(value, Object.create(this, { sentAt: { value: (0, instant_js_1.now)() } }));',
    ),
    examples: SLOW_GRANT,
  },
  edit(
    'no allowance for drift',
    ALL,
    'time/validity',
    'return leaseMs - leaseMs * DRIFT_SHARE - DRIFT_MS;',
    'return leaseMs;',
  ),
  {
    ...edit(
      'leases on the monotonic clock only',
      ALL,
      'time/instant',
      'Math.max((0, clock_js_1.monotonic)() - then.mono, (0, clock_js_1.wall)() - then.wall)',
      '(0, clock_js_1.monotonic)() - then.mono',
    ),
    examples: [SLEEPING_HOLDER],
  },
  edit('no signal at the deadline', ALL, 'holds/watchdog', 'if (hold.remaining() <= LAST_MS) {', 'if (false) {'),
  {
    ...edit(
      'a failed renewal counts',
      ALL,
      'holds/watchdog',
      'hold.doubtful = true;',
      'hold.confirm({ mono: performance.now(), wall: Date.now() }, leaseMs);',
    ),
    examples: [ISOLATED_HOLDER],
  },
  {
    ...edit(
      'waiters are not told after a reconnection',
      SINGLE,
      'stores/redis/notifications/notice-subscriber',
      'channel.subscribed.then(tell, tell);',
      '',
    ),
    examples: [MISSED_NOTICE],
  },
  edit('no second phase', QUORUM, 'stores/quorum/election', 'return this.writeBack(token);', 'return { token };'),
  {
    ...edit('no restart guard', QUORUM, MARKER, '- ageMs + guardMs', '- guardMs'),
    examples: [POWER_CUT],
  },
  {
    name: 'a vote without a look at the marker',
    nodes: QUORUM,
    models: { GRANT: withoutMarker(grant), CONFIRM: withoutMarker(confirm) },
    examples: FLUSHED_NODES,
  },
  {
    name: 'a marker of another server process counts',
    nodes: QUORUM,
    models: { MARK: markAnyProcess },
    examples: FAILED_OVER,
  },
  {
    ...edit(
      'a marker that is lost is noticed by callers only',
      QUORUM,
      GUARD,
      'if (guardMs > 0)\n            this.retry.start(guardMs / 2);',
      '',
    ),
    examples: [UNNOTICED_FLUSH],
  },
  {
    ...edit('a failed INFO is not repeated', QUORUM, GUARD, 'this.retry.start(this.pause);', ''),
    examples: [DENIED_INFO],
  },
  {
    ...edit(
      'a server votes under each of its names',
      [3],
      'stores/quorum/server-names',
      'return voter === undefined || voter === name ? null : voter;',
      'return null;',
    ),
    examples: TWO_NAMES,
  },
  {
    ...edit(
      'the age of a marker by the clock of the server only',
      QUORUM,
      MARKER,
      'Math.min(Number(byServer), Number(byClients))',
      'Number(byServer)',
    ),
    examples: CLOCK_SET_FORWARD,
  },
  {
    name: 'a token is taken from any clock',
    nodes: QUORUM,
    models: { GRANT: grantAnyToken },
    examples: [FAST_CLOCK],
  },
  edit('more tokens than were reserved', QUORUM, LINE, ' || !hold.hasNextToken()', ''),
  edit('a majority less one', QUORUM, STORE, 'Math.floor(nodes.length / 2) + 1', 'Math.floor(nodes.length / 2)'),
  edit(
    'a split is not given back',
    QUORUM,
    STORE,
    'for (const member of ballot.voters) {',
    'for (const member of []) {',
  ),
  edit(
    'a failed release is not tried again',
    QUORUM,
    STORE,
    'if (ballot !== undefined) {\n                member.settler',
    'if (false) {\n                member.settler',
  ),
  {
    ...edit(
      'a clean-up ends with the lease though the request may still come',
      [3],
      'stores/settler',
      'this.untilLeaseEnds && !debt.inDoubt',
      'this.untilLeaseEnds',
    ),
    examples: PAUSED_MAJORITY,
  },
  {
    ...edit(
      'the deadline counts from the last round',
      QUORUM,
      STORE,
      'token: result.token, sentAt,',
      'token: result.token, sentAt: (0, instant_js_1.now)(),',
    ),
    examples: SLOW_GRANT,
  },
  {
    ...edit(
      'one node’s renewal is enough',
      QUORUM,
      STORE,
      'tally.count(({ held }) => held) >= this.majority',
      'tally.count(({ held }) => held) >= 1',
    ),
    examples: [NEARLY_ISOLATED_HOLDER],
  },
];
