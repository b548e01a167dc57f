import type {
  BeginEvent,
  EnterEvent,
  FailedEvent,
  FaultEvent,
  HistoryEvent,
  LeaveEvent,
  LeftEvent,
  LookEvent,
  LostEvent,
  ReleasedEvent,
  WantEvent,
  WriteEvent,
} from './history.js';

/** One caller's time under one name. All times on the run's clock, in ms. */
export interface Section {
  readonly attempt: Attempt;
  readonly name: string;
  readonly enter: EnterEvent;
  readonly looks: LookEvent[];
  lost: LostEvent | undefined;
  leave: LeaveEvent | undefined;
  released: ReleasedEvent | undefined;
}

/** One call for a lock, or for several at once. */
export interface Attempt {
  readonly want: WantEvent;
  readonly sections: Map<string, Section>;
  failed: FailedEvent | undefined;
}

/** How many permits the attempt takes. */
export const takeOf = ({ want }: Attempt): number => want.take ?? 1;

/** Whether it is alone, and the tokens of such sections are in order; a reader has the token of the last of them. */
export const isAlone = ({ attempt }: Section, run: RunRecord): boolean => takeOf(attempt) === run.permits;

/** A span of time; an open one ends at `Infinity`. */
export interface Span {
  readonly from: number;
  to: number;
}

/** A run's events, by what they belong to. Whatever belongs nowhere is `stray`. */
export interface RunRecord {
  readonly begin: BeginEvent;
  /** How many permits each lock has. */
  readonly permits: number;
  readonly end: number;
  /** By caller. */
  readonly attempts: Map<string, Attempt>;
  /** By name, in the order they were entered. */
  readonly sections: Map<string, Section[]>;
  /** By name, in the resource's order. */
  readonly writes: Map<string, WriteEvent[]>;
  /** By process: when. */
  readonly killed: Map<string, number>;
  readonly pauses: Map<string, Span[]>;
  /** Of all processes, in the order they ended. */
  readonly stalls: Span[];
  readonly faults: { readonly event: FaultEvent; readonly span: Span }[];
  readonly left: LeftEvent[];
  readonly stray: { readonly event: HistoryEvent; readonly why: string }[];
}

/** @throws Error if the events do not begin with `begin` or are not in the order of their stamps */
export function recordRun(events: readonly HistoryEvent[]): RunRecord {
  const begin = events[0];
  if (begin?.type !== 'begin') throw new Error('A history begins with a "begin" event.');
  if (events.some((event, index) => index > 0 && event.at < events[index - 1]!.at)) {
    throw new Error('The events are not in the order of their stamps: use readHistory() or inOrder().');
  }
  const run: RunRecord = {
    begin,
    permits: begin.permits ?? 1,
    end: events.at(-1)!.at,
    attempts: new Map(),
    sections: new Map(),
    writes: new Map(),
    killed: new Map(),
    pauses: new Map(),
    stalls: [],
    faults: [],
    left: [],
    stray: [],
  };
  if (events.at(-1)!.type !== 'end')
    run.stray.push({ event: events.at(-1)!, why: 'is the last event instead of "end"' });
  for (const event of events.slice(1)) {
    const why = add(run, event);
    if (why !== undefined) run.stray.push({ event, why });
  }
  for (const writes of run.writes.values()) writes.sort((a, b) => a.seq - b.seq);
  return run;
}

/** Files the event under what it belongs to, or says why it belongs to nothing. */
function add(run: RunRecord, event: HistoryEvent): string | undefined {
  switch (event.type) {
    case 'begin':
      return 'is a second beginning';
    case 'want':
      if (run.attempts.has(event.caller)) return 'has a caller that was there before';
      run.attempts.set(event.caller, { want: event, sections: new Map(), failed: undefined });
      return undefined;
    case 'enter':
      return enter(run, event);
    case 'failed': {
      const attempt = run.attempts.get(event.caller);
      if (attempt === undefined) return 'comes from a caller that never asked';
      if (attempt.failed !== undefined || attempt.sections.size > 0) return 'comes after the attempt was over';
      attempt.failed = event;
      return undefined;
    }
    case 'look':
    case 'lost':
    case 'leave':
    case 'released':
      return follow(run, event);
    case 'write':
      if (run.attempts.get(event.caller)?.sections.has(event.name) !== true)
        return 'comes from a caller that never entered';
      append(run.writes, event.name, event);
      return undefined;
    case 'killed':
      run.killed.set(event.process, event.at);
      return undefined;
    case 'paused':
      append(run.pauses, event.process, { from: event.at, to: Infinity });
      return undefined;
    case 'resumed': {
      const pause = run.pauses.get(event.process)?.findLast(({ to }) => to === Infinity);
      if (pause === undefined) return 'ends no pause';
      pause.to = event.at;
      return undefined;
    }
    case 'stalled':
      run.stalls.push({ from: event.since, to: event.at });
      append(run.pauses, event.process, { from: event.since, to: event.at });
      return undefined;
    case 'fault':
      run.faults.push({ event, span: { from: event.at, to: Infinity } });
      return undefined;
    case 'healed': {
      const fault = run.faults.find((each) => each.event.id === event.id);
      if (fault === undefined) return 'heals a fault that never was';
      fault.span.to = event.at;
      return undefined;
    }
    case 'left':
      run.left.push(event);
      return undefined;
    case 'end':
      return event.at === run.end ? undefined : 'is not the last event';
  }
}

function enter(run: RunRecord, event: EnterEvent): string | undefined {
  const attempt = run.attempts.get(event.caller);
  if (attempt === undefined) return 'comes from a caller that never asked';
  if (!attempt.want.names.includes(event.name)) return 'is for a name that was not asked for';
  if (attempt.failed !== undefined) return 'comes after the attempt had failed';
  if (attempt.sections.has(event.name)) return 'enters a second time';
  const section: Section = {
    ...{ attempt, name: event.name, enter: event, looks: [] },
    ...{ lost: undefined, leave: undefined, released: undefined },
  };
  attempt.sections.set(event.name, section);
  append(run.sections, event.name, section);
  return (event.token !== undefined) === run.begin.tokens ? undefined : 'has a token or not, unlike the run';
}

function follow(run: RunRecord, event: LookEvent | LostEvent | LeaveEvent | ReleasedEvent): string | undefined {
  const section = run.attempts.get(event.caller)?.sections.get(event.name);
  if (section === undefined) return 'comes from a caller that never entered';
  if (event.type === 'released') {
    if (section.leave === undefined || section.released !== undefined) return 'releases what is not to be released';
    section.released = event;
    return undefined;
  }
  // A signal may still fire between the end of the work and the release.
  if (section.leave !== undefined && event.type !== 'lost') return 'comes after the section was left';
  if (event.type === 'look') section.looks.push(event);
  else if (event.type === 'leave') section.leave = event;
  else section.lost ??= event;
  return undefined;
}

function append<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
