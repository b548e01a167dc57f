import { inOrder, type BeginEvent, type HistoryEvent } from '../history.js';

export interface SectionStory {
  readonly caller: string;
  readonly process?: string;
  readonly name?: string;
  /** Default: just before `enter`. */
  readonly want?: number;
  readonly wait?: number | null;
  readonly take?: number;
  readonly enter: number;
  readonly token?: number;
  /** What the lease shows at `enter`; default 1 000. */
  readonly remaining?: number | null;
  readonly looks?: readonly { readonly at: number; readonly remaining: number | null }[];
  readonly writes?: readonly { readonly at: number; readonly seq: number; readonly accepted: boolean }[];
  readonly lost?: number;
  readonly leave?: number;
  /** What the lease shows at `leave`; default: what `remaining` has come to. */
  readonly left?: number | null;
  /** Default: just after `leave`. */
  readonly released?: number;
}

/** The events of one section, from `want` to `released`. */
export function section(story: SectionStory): HistoryEvent[] {
  const { caller, process = 'p1', name = 'a', enter, token, remaining = 1_000, lost, leave } = story;
  const { want = enter - 0.5, wait = 10_000, looks = [], writes = [] } = story;
  const numbered = token === undefined ? {} : { token };
  const taken = story.take === undefined ? {} : { take: story.take };
  const deadline = remaining === null ? null : enter + remaining;
  const events: HistoryEvent[] = [
    { type: 'want', at: want, process, caller, names: [name], wait, lease: 'renew', ...taken },
    { type: 'enter', at: enter, caller, name, ...numbered, remaining },
    ...looks.map((look): HistoryEvent => ({ type: 'look', caller, name, ...look })),
    ...writes.map((write): HistoryEvent => ({ type: 'write', caller, name, ...numbered, ...write })),
  ];
  if (lost !== undefined) events.push({ type: 'lost', at: lost, caller, name, reason: 'expired', deadline });
  if (leave !== undefined) {
    const due = looks.reduce((end, look) => (look.remaining === null ? end : look.at + look.remaining), deadline);
    const rest = due === null ? null : Math.max(0, lost === undefined ? due - leave : 0);
    events.push({ type: 'leave', at: leave, caller, name, remaining: story.left === undefined ? rest : story.left });
    const outcome = lost === undefined ? 'released' : 'lost';
    events.push({ type: 'released', at: story.released ?? leave + 0.5, caller, name, outcome });
  }
  return events;
}

const BEGIN: BeginEvent = {
  ...{ type: 'begin', at: -10_000, topology: 'single', lib: 'own', seed: 1, leaseMs: 1_000 },
  ...{ tokens: true, exclusion: 'always' },
};

/** A whole run, in order: with a beginning, a look at what is left of every process that is not killed, and an end. */
export function story(begin: Partial<BeginEvent>, ...parts: readonly (readonly HistoryEvent[])[]): HistoryEvent[] {
  const events = inOrder(parts.flat());
  const at = Math.max(0, ...events.map((event) => event.at)) + 1_000;
  const killed = new Set(events.map((event) => (event.type === 'killed' ? event.process : undefined)));
  const processes = new Set(events.flatMap((event) => (event.type === 'want' ? [event.process] : [])));
  const left = [...processes]
    .filter((process) => !killed.has(process))
    .map((process): HistoryEvent => ({ type: 'left', at, process, what: { timers: 0, held: 0, waiting: 0 } }));
  return [
    { ...BEGIN, ...begin },
    ...events,
    ...left,
    { type: 'left', at, what: { keys: [], subscriptions: 0 } },
    { type: 'end', at: at + 1 },
  ];
}
