import fc from 'fast-check';
import { LOCK, type Kind } from './kind.js';

export const PROCESSES = 3;
export const NAMES = ['a', 'b'] as const;
/** What a lease lasts that is renewed. */
export const LEASE_MS = 300;
/** So long that a lock which nobody gave back is still there when all else is done. */
export const LONGEST_LEASE_MS = 20_000;
/** Calls begin and faults strike in this time, in ms. */
const ACTIVE_MS = 1_500;

/** What one or several callers of a process do at the same moment. All times in ms. */
export interface Call {
  readonly at: number;
  /** Whether `at` counts from the moment when everything has recovered: then all has to go well. */
  readonly late: boolean;
  readonly process: number;
  /** Which names: the first, the second, or both together. */
  readonly names: 'a' | 'b' | 'both';
  readonly callers: number;
  readonly wait: number | 'ever';
  readonly lease: number | 'renew';
  /** How long the section runs. */
  readonly section: number;
  /** When the caller gives up waiting; `null`: never. */
  readonly abort: number | null;
  /** In the middle of the section the lease is made to last this long; `null`: it is not. */
  readonly extend: number | null;
  /** Some time after that the lease is made to last this long; `null`: it is not. */
  readonly again: number | null;
  readonly holdAtLeast: number;
  /** `withLock` with a nested call for the same name inside, or plain `acquire` and `release`. */
  readonly nested: boolean;
  /** Of a read-write lock, `write` by default; and of callers of a fair lock that do not use it as one. */
  readonly mode?: 'read' | 'write' | 'exclusive';
  /** What is done with a latch: it is set to a count, counted down once or until it is open, or waited for. */
  readonly latch?: number | 'down' | 'open' | 'wait';
}

type Direction = 'requests' | 'replies' | 'both';
type First = 'timer' | 'message';

/** Something goes wrong at `at`, for `ms`. */
export type Fault =
  | { at: number; kind: 'cut'; process: number; node: number; which: 'commands' | 'notices' | 'both'; ms: number }
  | { at: number; kind: 'vanish'; process: number; node: number; ms: number }
  | { at: number; kind: 'hold'; process: number; node: number; direction: Direction; ms: number; thenCut: boolean }
  | { at: number; kind: 'isolate'; process: number; spared: number | null; ms: number }
  | { at: number; kind: 'refuse'; process: number; node: number; ms: number }
  | { at: number; kind: 'slow'; node: number; ms: number; extra: number }
  | { at: number; kind: 'stall'; node: number; ms: number }
  | { at: number; kind: 'crash'; node: number; ms: number; keep: boolean }
  | { at: number; kind: 'power-cut'; ms: number }
  | { at: number; kind: 'failover'; node: number; ms: number; lag: number }
  | { at: number; kind: 'flush'; node: number; ms: number }
  | { at: number; kind: 'forget'; ms: number }
  | { at: number; kind: 'deny-info'; node: number; ms: number }
  | { at: number; kind: 'rename'; process: number; node: number; to: number; ms: number }
  | { at: number; kind: 'replace'; node: number; ms: number }
  | { at: number; kind: 'set-clock'; node: number; ms: number; ahead: number }
  | { at: number; kind: 'script-flush'; node: number; ms: number }
  | { at: number; kind: 'pause'; process: number; ms: number; asleep: boolean; first: First }
  | { at: number; kind: 'wall-step'; process: number; ms: number; by: number }
  | { at: number; kind: 'kill'; process: number; ms: number };

/** One run: what is done and what goes wrong. With `seed` for all delays it says everything that happens. */
export interface Schedule {
  readonly seed: number;
  /** Whose client the library uses: its own, or a caller's, which sends requests again after a reconnection. */
  readonly client: 'own' | 'callers';
  readonly calls: readonly Call[];
  readonly faults: readonly Fault[];
}

// Half of all things happen close to each other, so that faults strike while requests are on their way.
const at = fc.oneof(
  fc.integer({ min: 0, max: ACTIVE_MS }),
  fc
    .tuple(fc.constantFrom(0, 0, 100, 400, 800), fc.constantFrom(0, 0.2, 0.5, 0.8, 1.2, 2, 3, 5, 20))
    .map(([from, after]) => from + after),
);
const process = fc.nat({ max: PROCESSES - 1 });
const ms = fc.constantFrom(2, 10, 40, 120, 350, 900);

const call: fc.Arbitrary<Call> = fc.record({
  at,
  late: fc.constantFrom(false, false, false, false, true),
  process,
  names: fc.oneof({ weight: 6, arbitrary: fc.constant('a' as const) }, fc.constantFrom('b' as const, 'both' as const)),
  callers: fc.constantFrom(1, 1, 1, 2, 5),
  wait: fc.constantFrom<(number | 'ever')[]>(0, 30, 400, 'ever', 'ever'),
  lease: fc.constantFrom<(number | 'renew')[]>('renew', 'renew', 60, 200, 700, LONGEST_LEASE_MS),
  section: fc.constantFrom(0, 0, 1, 5, 30, 150, 450, 450, 900),
  abort: fc.constantFrom(null, null, null, null, null, 0, 20, 300),
  extend: fc.constantFrom(null, null, null, null, null, 50, 150, 400, 1_000),
  again: fc.constantFrom(null, null, 400, LONGEST_LEASE_MS),
  holdAtLeast: fc.constantFrom(0, 0, 0, 0, 0, 50),
  nested: fc.constantFrom(false, false, false, true),
});

const readOrWrite: fc.Arbitrary<Call> = fc
  .tuple(call, fc.constantFrom<('read' | 'write')[]>('read', 'read', 'read', 'write', 'write'))
  .map(([one, mode]) => ({ ...one, mode }));

const fairOrExclusive: fc.Arbitrary<Call> = fc
  .tuple(call, fc.constantFrom(true, true, false))
  .map(([one, isFair]) => (isFair ? one : { ...one, mode: 'exclusive' }));

const withLatch: fc.Arbitrary<Call> = fc
  .tuple(call, fc.constantFrom<NonNullable<Call['latch']>[]>('wait', 'wait', 'wait', 'down', 'down', 'down', 1, 2, 5))
  .map(([one, latch]) => ({ ...one, latch }));

/** A request of a process that was killed may arrive so long after everything has recovered, in ms. */
const ALL_ARRIVED_MS = 4_500;

/** Whatever a schedule does, its latches are open at the end. */
export const OPENING: readonly Call[] = Array.from({ length: PROCESSES }, (_, id) => ({
  ...{ at: ALL_ARRIVED_MS + id, late: true, process: id, names: 'both', callers: 1, latch: 'open' },
  ...{
    wait: 'ever',
    lease: 'renew',
    section: 0,
    abort: null,
    extend: null,
    again: null,
    holdAtLeast: 0,
    nested: false,
  },
}));

const of = <Kind extends Fault['kind']>(kind: Kind) => ({ at, kind: fc.constant(kind), ms });

const clockFaults = (owner: fc.Arbitrary<number>): [pause: fc.Arbitrary<Fault>, wallStep: fc.Arbitrary<Fault>] => [
  fc.record({
    ...of('pause'),
    process: owner,
    asleep: fc.boolean(),
    first: fc.constantFrom<First[]>('timer', 'message'),
  }),
  fc.record({ ...of('wall-step'), process: owner, by: fc.constantFrom(-3_600_000, -200, 200, 3_600_000) }),
];

/** In memory all services are in one process, which has no server that could fail. */
function memoryFaults(): fc.Arbitrary<Fault[]> {
  const [pause, wallStep] = clockFaults(fc.constant(0));
  return someOf([
    { weight: 3, arbitrary: pause },
    { weight: 1, arbitrary: wallStep },
    { weight: 1, arbitrary: fc.record(of('forget')) },
  ]);
}

function nodeFaults(nodes: number): fc.Arbitrary<Fault[]> {
  const node = fc.nat({ max: nodes - 1 });
  const [pause, wallStep] = clockFaults(process);
  const kinds: fc.WeightedArbitrary<Fault>[] = [
    {
      weight: 4,
      arbitrary: fc.record({
        ...of('cut'),
        process,
        node,
        which: fc.constantFrom<('commands' | 'notices' | 'both')[]>('commands', 'notices', 'notices', 'both'),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        ...of('hold'),
        process,
        node,
        direction: fc.constantFrom<Direction[]>('requests', 'replies', 'both'),
        thenCut: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ ...of('vanish'), process, node }) },
    { weight: 3, arbitrary: fc.record({ ...of('isolate'), process, spared: fc.oneof(node, fc.constant(null)) }) },
    { weight: 1, arbitrary: fc.record({ ...of('refuse'), process, node }) },
    { weight: 2, arbitrary: fc.record({ ...of('slow'), node, extra: fc.constantFrom(5, 30, 90, 90) }) },
    { weight: 2, arbitrary: fc.record({ ...of('stall'), node }) },
    { weight: 2, arbitrary: fc.record({ ...of('crash'), node, keep: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ ...of('script-flush'), node }) },
    { weight: 4, arbitrary: pause },
    { weight: 1, arbitrary: wallStep },
    { weight: 1, arbitrary: fc.record({ ...of('kill'), process }) },
  ];
  if (nodes === 1) {
    kinds.push(
      { weight: 1, arbitrary: fc.record({ ...of('failover'), node, lag: fc.constantFrom(1, 20, 200) }) },
      { weight: 1, arbitrary: fc.record({ ...of('flush'), node }) },
    );
  } else {
    kinds.push(
      { weight: 2, arbitrary: fc.record(of('power-cut')) },
      { weight: 1, arbitrary: fc.record({ ...of('failover'), node, lag: fc.constantFrom(1, 20, 200) }) },
      { weight: 1, arbitrary: fc.record({ ...of('flush'), node }) },
      { weight: 1, arbitrary: fc.record({ ...of('replace'), node }) },
      { weight: 1, arbitrary: fc.record({ ...of('deny-info'), node }) },
      { weight: 1, arbitrary: fc.record({ ...of('rename'), process, node, to: node }) },
      { weight: 1, arbitrary: fc.record({ ...of('set-clock'), node, ahead: fc.constantFrom(15_000, -2_000) }) },
    );
  }
  return someOf(kinds);
}

function someOf(kinds: readonly fc.WeightedArbitrary<Fault>[]): fc.Arbitrary<Fault[]> {
  const some = fc.array(fc.oneof(...kinds), { minLength: 1, maxLength: 6 });
  return fc.oneof({ weight: 1, arbitrary: fc.constant<Fault[]>([]) }, { weight: 4, arbitrary: some });
}

/** As many nodes as the others can do without. */
export const minorityOf = (nodes: number): number => Math.floor((nodes - 1) / 2);

/** Whether a majority of the nodes can be asked all the time: free locks have to be taken soon, also during the faults. */
export function leavesMajority({ faults: all }: Schedule, nodes: number): boolean {
  const harmed = new Set<number>();
  for (const fault of all) {
    if (fault.kind !== 'crash' && fault.kind !== 'stall' && fault.kind !== 'slow') return false;
    harmed.add(fault.node);
  }
  return harmed.size <= minorityOf(nodes);
}

/** @param nodes 0: the memory store */
export function schedules(nodes: number, { mode }: Kind = LOCK): fc.Arbitrary<Schedule> {
  return fc.record({
    seed: fc.nat(),
    client: nodes === 1 ? fc.constantFrom<('own' | 'callers')[]>('own', 'own', 'callers') : fc.constant('own' as const),
    calls: callsOf(mode),
    faults: nodes === 0 ? memoryFaults() : nodeFaults(nodes),
  });
}

function callsOf(mode: Kind['mode']): fc.Arbitrary<Call[]> {
  const some = (one: fc.Arbitrary<Call>): fc.Arbitrary<Call[]> => fc.array(one, { minLength: 2, maxLength: 12 });
  switch (mode) {
    case 'read-write':
      return some(readOrWrite);
    case 'latch':
      return some(withLatch);
    case 'fair':
      return fc.oneof(some(call), some(fairOrExclusive));
    case 'write':
    case null:
      return some(call);
  }
}
