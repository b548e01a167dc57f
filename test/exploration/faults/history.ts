import { appendFileSync, closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/**
 * What happened in one run of the fault suite or of the simulation: one JSON object a line. All writers of one run stamp
 * their events by one clock (`machineClock`, or the simulation's), in ms with fractions.
 *
 * Where two things cannot be stamped at the same instant, the side is chosen on which a checker cannot accuse wrongly:
 * `want` before the call, `enter` after the lock was granted, `leave` before the release is sent, `killed` and `paused`
 * before the signal, `resumed` after it, a `fault` before it begins, `healed` when it can no longer have an effect.
 */
export type HistoryEvent =
  | BeginEvent
  | WantEvent
  | EnterEvent
  | LookEvent
  | WriteEvent
  | LostEvent
  | LeaveEvent
  | ReleasedEvent
  | FailedEvent
  | KilledEvent
  | PausedEvent
  | ResumedEvent
  | StalledEvent
  | FaultEvent
  | HealedEvent
  | LeftEvent
  | EndEvent;

interface At {
  /** ms on the clock that all writers of the run share. */
  readonly at: number;
}

/** The first event: what ran, and what it may be judged by. */
export interface BeginEvent extends At {
  readonly type: 'begin';
  /** What the locks live on: `single`, `sentinel`, `cluster`, `quorum-3` … */
  readonly topology: string;
  /** The library: `own`, or the name of a peer. */
  readonly lib: string;
  readonly seed: number;
  /** The length of a lease that renews itself, in ms. */
  readonly leaseMs: number;
  /** Whether the library issues fencing tokens. Without them `token` is missing everywhere. */
  readonly tokens: boolean;
  /**
   * `always`: two holders are a violation, whatever happened. `until-state-lost`: this setup does not promise that locks
   * outlive a loss of state, so two holders over such a fault are counted as double holders.
   */
  readonly exclusion: 'always' | 'until-state-lost';
  /** `exclusive`, `fair`, `semaphore` …; not judged by, but shown. */
  readonly kind?: string;
  /** How many permits each lock has; missing: 1, as an exclusive lock. */
  readonly permits?: number;
  /** Whether those that take one permit read, and have the token of the last one that took all. */
  readonly readers?: boolean;
  /** Whether a waiter that is gone may have a place before others for some seconds. */
  readonly places?: boolean;
  /** Whether callers get the lock in the order of their requests. */
  readonly ordered?: boolean;
}

/** A caller asks. `caller` is unique for each attempt, over all processes; `process` for each start of a process. */
export interface WantEvent extends At {
  readonly type: 'want';
  readonly process: string;
  readonly caller: string;
  readonly names: readonly string[];
  /** How long the caller is ready to wait, in ms; `null`: for ever. */
  readonly wait: number | null;
  /** A fixed lease in ms, the longest that the section will ask for, or one that is renewed. */
  readonly lease: number | 'renew';
  /** Whether the caller has a signal and may abort its wait. */
  readonly mayAbort?: boolean;
  /** How long the lock is kept from its grant on, even if it is released earlier, in ms. */
  readonly holdAtLeast?: number;
  /** How many permits it takes together; missing: 1. */
  readonly take?: number;
}

/**
 * A section begins. Who takes several names writes one event for each. A nested call that joins its outer section's lease
 * is no section of its own.
 */
export interface EnterEvent extends At {
  readonly type: 'enter';
  readonly caller: string;
  readonly name: string;
  readonly token?: number;
  /** How long the lease can still be relied on, in ms, by `lease.remaining()`; `null` where a peer cannot say. */
  readonly remaining: number | null;
}

/** A section looks at its lease while it runs: a renewal shows in a later deadline. */
export interface LookEvent extends At {
  readonly type: 'look';
  readonly caller: string;
  readonly name: string;
  readonly remaining: number | null;
}

/** Written for the guarded resource, for every write that reached it. */
export interface WriteEvent extends At {
  readonly type: 'write';
  readonly caller: string;
  readonly name: string;
  readonly token?: number;
  /** The resource's own numbering of the writes under this name: their true order. */
  readonly seq: number;
  readonly accepted: boolean;
}

/** `lease.signal` aborted in a section. */
export interface LostEvent extends At {
  readonly type: 'lost';
  readonly caller: string;
  readonly name: string;
  /** The reason's own word: `expired`, `taken` … */
  readonly reason: string;
  /** The end of the lease as the section last knew it, on the shared clock. */
  readonly deadline: number | null;
}

/** The section is over, and the release is about to be sent. */
export interface LeaveEvent extends At {
  readonly type: 'leave';
  readonly caller: string;
  readonly name: string;
  /** 0: the section knows that its lease is over. */
  readonly remaining: number | null;
}

export interface ReleasedEvent extends At {
  readonly type: 'released';
  readonly caller: string;
  readonly name: string;
  readonly outcome: 'released' | 'lost' | 'unconfirmed';
}

/** The attempt ended without the lock. */
export interface FailedEvent extends At {
  readonly type: 'failed';
  readonly caller: string;
  /** `LOCK_BUSY`, `LOCK_UNAVAILABLE`, `LOCK_ABORTED` …, or what a peer says. */
  readonly code: string;
}

/** The process was ended on purpose; a new one gets a new name. */
export interface KilledEvent extends At {
  readonly type: 'killed';
  readonly process: string;
}

/** The process stands still: stopped from outside, or its event loop blocked. */
export interface PausedEvent extends At {
  readonly type: 'paused';
  readonly process: string;
}

export interface ResumedEvent extends At {
  readonly type: 'resumed';
  readonly process: string;
}

/** Written when an event loop that did not run for a while goes on: the machine had other work. */
export interface StalledEvent extends At {
  readonly type: 'stalled';
  readonly process: string;
  /** When it last ran. */
  readonly since: number;
}

export interface FaultEvent extends At {
  readonly type: 'fault';
  /** Unique in the run. */
  readonly id: string;
  readonly what: string;
  /**
   * The locks that may vanish or end early by this fault, while it lasts: by a restart without persistence, a failover
   * that lost writes, a server's clock that was set forward.
   */
  readonly stateLost?: readonly string[] | 'all';
  /** How much longer than usual a free lock may stay free meanwhile, in ms. Missing: that is not judged. */
  readonly graceMs?: number;
}

/** The fault is over and no longer has an effect. A fault without this event lasts to the end. */
export interface HealedEvent extends At {
  readonly type: 'healed';
  readonly id: string;
}

/** What is left when all work is done and all services are closed. Everything should be empty or 0. */
export interface LeftEvent extends At {
  readonly type: 'left';
  /** Missing for what was found on the servers. */
  readonly process?: string;
  /** `{ keys: [], subscriptions: 0, timers: 0, listeners: 0, held: 0, waiting: 0, unsettled: 0 }`: any of these, and more. */
  readonly what: Readonly<Record<string, number | readonly string[]>>;
}

export interface EndEvent extends At {
  readonly type: 'end';
}

/** The machine's monotonic clock in ms. All processes of the machine see the same. */
export function machineClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** One process's share of a history, in a file of its own. What was written stays there when the process is killed. */
export class HistoryFile implements Disposable {
  private readonly file: number;

  constructor(
    path: string,
    private readonly clock: () => number = machineClock,
  ) {
    this.file = openSync(path, 'a');
  }

  /** Stamps the event, unless it has its stamp already, and writes it at once. */
  write(event: Unstamped): void {
    writeSync(this.file, `${JSON.stringify({ at: this.clock(), ...event })}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.file);
  }
}

/** An event whose writer leaves the stamp to the file. */
export type Unstamped = HistoryEvent extends infer Event
  ? Event extends HistoryEvent
    ? Omit<Event, 'at'> & { at?: number }
    : never
  : never;

/** The events of several files in the order of their stamps; of one file, with the same stamp, in their order there. */
export function readHistory(paths: readonly string[]): HistoryEvent[] {
  return inOrder(paths.flatMap((path) => parseHistory(readFileSync(path, 'utf8'))));
}

/** Adds a whole run to a file that may have others. */
export function appendHistory(path: string, events: readonly HistoryEvent[]): void {
  appendFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}

export function parseHistory(text: string): HistoryEvent[] {
  const lines = text.split('\n');
  // A process that was killed may have left half a line behind, at the end of its file.
  const last = lines.pop() ?? '';
  if (last !== '') lines.push(...(isWhole(last) ? [last] : []));
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as HistoryEvent);
}

export function inOrder(events: readonly HistoryEvent[]): HistoryEvent[] {
  return events.toSorted((a, b) => a.at - b.at);
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
