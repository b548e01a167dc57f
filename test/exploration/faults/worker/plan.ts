import type { Dice } from '../runner/dice.js';
import type { LockKind } from '../kinds.js';
import type { Ask } from './lock-client.js';
import type { Job } from './order.js';

/** Until places of waiters that are gone, and the sections of others, are over, in ms. */
const LAST_WAIT_MS = 10_000;

/** What one caller does once. All durations in ms. */
export interface Plan {
  readonly names: readonly string[];
  readonly ask: Omit<Ask, 'signal'>;
  /** When the caller gives up waiting, although its `wait` has not passed. */
  readonly abortAfter: number | undefined;
  readonly sectionMs: number;
  /** When in the section the resource is written to: 0 at its beginning, 1 at its end. */
  readonly writeAt: number;
  /** Goes on to the end and writes once more, even if the lock is lost: what a fencing token is for. */
  readonly stubborn: boolean;
  readonly pauseAfter: number;
}

export function makePlan(dice: Dice, names: readonly string[], leaseMs: number, kind: LockKind): Plan {
  const fixed = dice.chance(0.3);
  const lease = fixed ? dice.whole(Math.ceil(leaseMs / 2), leaseMs) : 'renew';
  const waiting = makeWait(dice);
  return {
    names: makeNames(dice, names, kind),
    ask: {
      wait: waiting.wait,
      lease,
      ...makeTake(dice, kind),
      ...(dice.chance(0.03) ? { holdAtLeast: dice.whole(10, Math.floor(leaseMs / 4)) } : {}),
    },
    abortAfter: waiting.abortAfter,
    sectionMs: makeSectionMs(dice, leaseMs),
    writeAt: dice.one([0, 0, 0, 0.5, 1]),
    stubborn: dice.chance(0.15),
    pauseAfter: dice.chance(0.1) ? dice.whole(1, 30) : 0,
  };
}

/** What all processes do at the same time: without a wait one of them runs the job, with one all do, one after another. */
export function makeJob({ name, wait, long }: Job, leaseMs: number, kind: LockKind): Plan {
  const { permits } = kind;
  // No two of them fit in.
  const take = wait === 0 && kind.name === 'semaphore' ? Math.floor(permits / 2) + 1 : permits;
  return {
    names: [name],
    ask: {
      wait,
      lease: 'renew',
      ...(take > 1 ? { take } : {}),
      ...(wait === 0 ? { holdAtLeast: Math.floor(leaseMs / 2) } : {}),
    },
    abortAfter: undefined,
    sectionMs: long ? leaseMs * 1.5 : 5,
    writeAt: 0,
    stubborn: false,
    pauseAfter: 0,
  };
}

/** When all other work is done: takes all permits, which shows that none is missing. */
export function makeLast(names: readonly string[], leaseMs: number, { permits }: LockKind): Plan[] {
  if (permits === 1) return [];
  return names.map((name) => ({
    names: [name],
    ask: { wait: 2 * leaseMs + LAST_WAIT_MS, lease: 'renew', take: permits },
    abortAfter: undefined,
    sectionMs: 0,
    writeAt: 0,
    stubborn: false,
    pauseAfter: 0,
  }));
}

function makeNames(dice: Dice, names: readonly string[], kind: LockKind): readonly string[] {
  if (kind.permits > 1) return [dice.one(names)];
  // The last two names are never taken together with others: a lock whose caller waits for a second one looks free.
  return dice.chance(0.9) ? [dice.one(names)] : dice.some(names.slice(0, -2), dice.whole(2, 3));
}

/** Most callers take one permit. Others take several, or write. */
function makeTake(dice: Dice, { name, permits }: LockKind): { take?: number } {
  if (permits === 1 || !dice.chance(0.25)) return {};
  return { take: name === 'read-write' ? permits : dice.whole(2, permits) };
}

function makeWait(dice: Dice): { wait: number; abortAfter: number | undefined } {
  const kind = dice.next();
  if (kind < 0.2) return { wait: 0, abortAfter: undefined };
  if (kind < 0.7) return { wait: dice.whole(100, 3_000), abortAfter: undefined };
  return { wait: Infinity, abortAfter: kind < 0.85 ? dice.whole(50, 3_000) : undefined };
}

function makeSectionMs(dice: Dice, leaseMs: number): number {
  const kind = dice.next();
  if (kind < 0.7) return 0;
  if (kind < 0.965) return dice.whole(1, 10);
  if (kind < 0.997) return dice.whole(10, 50);
  // Longer than the lease: kept by renewals, or, with a fixed lease, lost in time.
  return dice.whole(Math.ceil(leaseMs * 1.1), leaseMs * 2);
}
