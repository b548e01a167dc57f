import type { Property } from '../checks/check.js';
import type { KindName } from '../kinds.js';
import { inOrder, type EnterEvent, type HistoryEvent, type LeaveEvent } from '../history.js';
import { LEASE, PERMITS } from './right-history.js';
import { section } from './story.js';

type OfType<Type extends HistoryEvent['type']> = Extract<HistoryEvent, { type: Type }>;

/** One way in which a run can go wrong. `dice` picks where. */
export interface Corruption {
  readonly what: string;
  readonly property: Property;
  /** Missing: it can happen to locks of each kind. */
  readonly kind?: KindName;
  readonly spoil: (history: readonly HistoryEvent[], dice: number) => HistoryEvent[];
}

const pick = <Type extends HistoryEvent['type']>(
  history: readonly HistoryEvent[],
  dice: number,
  type: Type,
  fits: (event: OfType<Type>) => boolean = () => true,
): OfType<Type> => {
  const all = history.filter((event): event is OfType<Type> => event.type === type && fits(event as OfType<Type>));
  if (all.length === 0) throw new Error(`The history has no "${type}" of that kind.`);
  return all[dice % all.length]!;
};

const without = (history: readonly HistoryEvent[], ...gone: HistoryEvent[]): HistoryEvent[] =>
  history.filter((event) => !gone.includes(event));

const replaced = (history: readonly HistoryEvent[], old: HistoryEvent, by: HistoryEvent): HistoryEvent[] =>
  inOrder(history.map((event) => (event === old ? by : event)));

/** With events put in; `left` and `end` stay last. */
const added = (history: readonly HistoryEvent[], ...events: HistoryEvent[]): HistoryEvent[] =>
  inOrder([...history, ...events]);

const isPlain = ({ caller }: { caller: string }): boolean => caller.endsWith('plain');
const enterOf = (history: readonly HistoryEvent[], caller: string): EnterEvent =>
  pick(history, 0, 'enter', (event) => event.caller === caller);
const leaveOf = (history: readonly HistoryEvent[], caller: string): LeaveEvent =>
  pick(history, 0, 'leave', (event) => event.caller === caller);

/** Two sections under name `a` that follow each other. */
function neighbours(history: readonly HistoryEvent[], dice: number): [EnterEvent, EnterEvent] {
  const enters = history.filter((event): event is EnterEvent => event.type === 'enter' && event.name === 'a');
  const pairs = enters.slice(1).map((later, index): [EnterEvent, EnterEvent] => [enters[index]!, later]);
  return pairs[dice % pairs.length]!;
}

const quick = (name: string, at: number, token: number, caller = 'intruder'): HistoryEvent[] =>
  section({
    caller,
    process: 'p1',
    name,
    want: at,
    enter: at,
    token,
    leave: at + 0.01,
    released: at + 0.02,
  });

interface Vain {
  readonly from: number;
  readonly to: number;
  readonly wait: number;
  readonly take?: number;
}

/** Before anything else happens. */
function inVain({ from, to, wait, take = 1 }: Vain): HistoryEvent[] {
  return [
    { type: 'want', at: from, process: 'p1', caller: 'vain', names: ['a'], wait, lease: 'renew', take },
    { type: 'failed', at: to, caller: 'vain', code: 'LOCK_BUSY' },
  ];
}

export const CORRUPTIONS: readonly Corruption[] = [
  {
    what: 'somebody enters while another is inside',
    kind: 'exclusive',
    property: 'exclusion',
    spoil: (history, dice) => {
      const { caller, name, at, token } = pick(history, dice, 'enter', isPlain);
      return added(history, ...quick(name, (at + leaveOf(history, caller).at) / 2, token! + 0.5));
    },
  },
  {
    what: 'somebody enters before the lease of one who was killed is over',
    kind: 'exclusive',
    property: 'exclusion',
    spoil: (history, dice) => {
      const { at, token, name } = pick(history, dice, 'enter', ({ caller }) => caller.endsWith('killed'));
      return added(history, ...quick(name, at + LEASE - 1, token! + 0.5));
    },
  },
  {
    what: 'somebody enters while a lease that was renewed lasts',
    kind: 'exclusive',
    property: 'exclusion',
    spoil: (history, dice) => {
      const { at, name, caller } = pick(history, dice, 'look');
      return added(history, ...quick(name, at + 0.5, enterOf(history, caller).token! + 0.5));
    },
  },
  {
    what: 'two sections get one token',
    property: 'token-repeated',
    spoil: (history, dice) => {
      const [one, other] = neighbours(history, dice);
      return replaced(history, other, { ...other, token: one.token! });
    },
  },
  {
    what: 'a later section gets a smaller token',
    kind: 'exclusive',
    property: 'token-went-back',
    spoil: (history, dice) => {
      const enter = pick(history, dice, 'enter', isPlain);
      return added(history, ...quick(enter.name, leaveOf(history, enter.caller).at + 0.1, enter.token! - 0.5));
    },
  },
  {
    what: 'the write of a section that was paused gets through behind its successor',
    kind: 'exclusive',
    property: 'stale-write',
    spoil: (history, dice) => {
      const write = pick(history, dice, 'write', ({ accepted }) => !accepted);
      return replaced(history, write, { ...write, accepted: true });
    },
  },
  {
    what: 'a section writes once more at the very end',
    kind: 'exclusive',
    property: 'stale-write',
    spoil: (history, dice) => {
      const newest = Math.max(
        ...history.map((event) => (event.type === 'write' && event.name === 'a' ? event.token! : 0)),
      );
      const write = pick(history, dice, 'write', ({ name, token }) => name === 'a' && token! < newest);
      return added(history, { ...write, at: history.at(-1)!.at - 500, seq: 1e6, accepted: true });
    },
  },
  {
    what: 'the resource refuses the newest',
    kind: 'exclusive',
    property: 'wrongly-refused',
    spoil: (history, dice) => {
      const write = pick(history, dice, 'write', ({ accepted }) => accepted);
      return replaced(history, write, { ...write, accepted: false });
    },
  },
  {
    what: 'the signal of a section whose lease ended never comes',
    property: 'not-signalled',
    spoil: (history, dice) =>
      without(
        history,
        pick(history, dice, 'lost', ({ caller }) => caller.endsWith('signalled')),
      ),
  },
  {
    what: 'the signal comes late',
    property: 'not-signalled',
    spoil: (history, dice) => {
      const lost = pick(history, dice, 'lost', ({ caller }) => caller.endsWith('signalled'));
      return replaced(history, lost, { ...lost, at: lost.deadline! + 20 });
    },
  },
  {
    what: 'the process did not stand still, and was told as late as if it had',
    property: 'not-signalled',
    spoil: (history, dice) => {
      const paused = pick(history, dice, 'paused');
      const resumed = pick(history, 0, 'resumed', ({ process }) => process === paused.process);
      return without(history, paused, resumed);
    },
  },
  {
    what: 'a caller is never answered',
    property: 'forgotten',
    spoil: (history, dice) => without(history, pick(history, dice, 'failed')),
  },
  {
    what: 'a caller is answered long after its wait',
    property: 'forgotten',
    spoil: (history, dice) => {
      const failed = pick(history, dice, 'failed');
      return replaced(history, failed, { ...failed, at: failed.at + 50 });
    },
  },
  {
    what: 'a caller is called busy before its wait is over',
    property: 'forgotten',
    spoil: (history, dice) => {
      const want = pick(history, dice, 'want', ({ caller }) => caller.endsWith('busy'));
      return replaced(history, want, { ...want, wait: want.wait! + 10 });
    },
  },
  {
    what: 'a wait is aborted by nobody',
    property: 'forgotten',
    spoil: (history, dice) => {
      const failed = pick(history, dice, 'failed');
      return replaced(history, failed, { ...failed, code: 'LOCK_ABORTED' });
    },
  },
  {
    what: 'a caller gets an error that no fault explains',
    property: 'unexpected',
    spoil: (history, dice) => {
      const failed = pick(history, dice, 'failed');
      return replaced(history, failed, { ...failed, code: 'LOCK_CONFIG' });
    },
  },
  {
    what: 'nobody takes a free lock that a caller waits for',
    property: 'left-free',
    spoil: (history) => added(history, ...inVain({ from: -9_000, to: -2_500, wait: 6_400 })),
  },
  {
    what: 'a caller that does not wait is refused a free lock',
    property: 'refused-free',
    spoil: (history) => added(history, ...inVain({ from: -9_000, to: -8_999, wait: 0 })),
  },
  {
    what: 'a section never ends',
    property: 'unfinished',
    spoil: (history, dice) => {
      const { caller } = pick(history, dice, 'enter', isPlain);
      const released = pick(history, 0, 'released', (event) => event.caller === caller);
      return without(history, leaveOf(history, caller), released);
    },
  },
  {
    what: 'a release is never answered',
    property: 'unfinished',
    spoil: (history, dice) => without(history, pick(history, dice, 'released')),
  },
  {
    what: 'something is left behind',
    property: 'left-behind',
    spoil: (history, dice) => {
      const left = pick(history, dice, 'left');
      return replaced(history, left, { ...left, what: { ...left.what, keys: ['lock:a'] } });
    },
  },
  {
    what: 'nobody looks at what is left',
    property: 'left-behind',
    spoil: (history, dice) => without(history, pick(history, dice, 'left')),
  },
  {
    what: 'a caller enters twice',
    property: 'malformed',
    spoil: (history, dice) => {
      const { caller, at } = pick(history, dice, 'enter');
      return added(history, { ...enterOf(history, caller), at: at + 0.001 });
    },
  },
  {
    what: 'somebody enters who never asked',
    property: 'malformed',
    spoil: (history, dice) => without(history, pick(history, dice, 'want')),
  },
  {
    what: 'somebody takes a permit while all are taken',
    property: 'exclusion',
    kind: 'semaphore',
    spoil: (history) => added(history, ...quick('a', fullAt(history) + 5, 0.5)),
  },
  {
    what: 'somebody takes one permit more than there are',
    property: 'exclusion',
    kind: 'semaphore',
    spoil: (history) => {
      const want = pick(history, 0, 'want', ({ caller }) => caller === 'full-several');
      return replaced(history, want, { ...want, take: want.take! + 1 });
    },
  },
  {
    what: 'somebody takes a permit before the lease of one who was killed is over',
    property: 'exclusion',
    kind: 'semaphore',
    spoil: (history) => added(history, ...quick('a', fullAt(history) + LEASE - 1, 0.5)),
  },
  {
    what: 'permits go to nobody, though a caller waits and there are enough',
    property: 'left-free',
    kind: 'semaphore',
    spoil: (history) => added(history, ...inVain({ from: -9_000, to: -2_500, wait: 6_400, take: PERMITS })),
  },
  {
    what: 'a caller is passed over again and again',
    property: 'left-free',
    kind: 'semaphore',
    spoil: (history) => {
      const others = [-8_500, -6_500, -4_500].map((at, index) => quick('a', at, index / 4, `other${index}`));
      return added(history, ...others.flat(), ...inVain({ from: -9_000, to: -2_500, wait: 6_400, take: 2 }));
    },
  },
  {
    what: 'a permit never comes back',
    property: 'left-behind',
    kind: 'semaphore',
    spoil: (history, dice) => {
      const left = pick(history, dice, 'left', ({ process }) => process === undefined);
      return replaced(history, left, { ...left, what: { ...left.what, keys: ['lock:a: 4 and 0 of 5 permits'] } });
    },
  },
];

/** When all permits of the semaphore `a` are taken, some of them by a process that is killed then. */
function fullAt(history: readonly HistoryEvent[]): number {
  return enterOf(history, 'full-killed').at;
}
