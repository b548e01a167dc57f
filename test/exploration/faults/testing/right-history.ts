import fc from 'fast-check';
import type { HistoryEvent } from '../history.js';
import { section, story } from './story.js';

/** What a section's lease shows at first, in the histories made here, in ms. */
export const LEASE = 990;
/** How many permits the semaphores have in the histories made here. */
export const PERMITS = 5;
/** How many of them the callers of each line take, at most all together. */
const TAKES = [1, 1, 3];

/** What happens next under one name. Numbers are ms, and steps of the tokens. */
interface Step {
  readonly kind: 'plain' | 'renewed' | 'paused' | 'signalled' | 'killed' | 'busy' | 'unavailable' | 'state-lost';
  readonly process: number;
  readonly waited: number;
  readonly work: number;
  readonly gap: number;
  readonly ahead: number;
}

const step = (...kinds: Step['kind'][]): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    process: fc.integer({ min: 1, max: 3 }),
    waited: fc.integer({ min: 1, max: 5_000 }),
    work: fc.integer({ min: 1, max: 900 }),
    gap: fc.integer({ min: 0, max: 500 }),
    ahead: fc.integer({ min: 2, max: 100 }),
  });

/** What one name's lock does, step by step, as a right lock does it; or some permits of a semaphore, always the same. */
class Line {
  readonly events: HistoryEvent[] = [];
  private at = 0;
  private token = 1_000;
  private seq = 0;
  private callers = 0;

  constructor(readonly name: string) {}

  take({ kind, process, waited, work, gap, ahead }: Step): void {
    this.token += ahead;
    const enter = this.at + 1;
    const caller = `${this.name}${(this.callers += 1)}-${kind}`;
    const own = `${this.name}${this.callers}`;
    const want = { caller, name: this.name, token: this.token, want: enter - waited, enter, remaining: LEASE };
    const write = { at: enter + 0.2, seq: this.seq, accepted: true };
    const end = enter + LEASE;
    this.seq += 2;
    switch (kind) {
      case 'plain':
        this.add(
          section({ ...want, process: `p${process}`, writes: [write], leave: enter + work }),
          enter + work + gap,
        );
        return;
      case 'renewed': {
        const looks = [{ at: enter + 600, remaining: LEASE - 5 }];
        const leave = enter + 600 + work;
        this.add(section({ ...want, process: `p${process}`, looks, writes: [write], leave }), leave + gap);
        return;
      }
      case 'signalled':
        this.add(
          section({ ...want, process: own, writes: [write], lost: end - (gap % 5), leave: end + 50 + work }),
          end,
        );
        return;
      case 'killed':
        this.add(
          [...section({ ...want, process: own }), { type: 'killed', at: enter + work, process: own }],
          end + gap,
        );
        return;
      case 'busy':
      case 'unavailable':
        this.events.push(
          { type: 'want', at: this.at, process: `p${process}`, caller, names: [this.name], wait: work, lease: 'renew' },
          { type: 'failed', at: this.at + work, caller, code: kind === 'busy' ? 'LOCK_BUSY' : 'LOCK_UNAVAILABLE' },
        );
        return;
      case 'paused': {
        // Its successor writes while it stands still, so what it writes when it goes on is refused.
        this.at = end;
        this.take({ kind: 'plain', process, waited, work, gap, ahead });
        const woken = end + 900;
        const late = { at: woken + 2, seq: this.seq, accepted: false };
        this.events.push({ type: 'paused', at: enter + 1, process: own }, { type: 'resumed', at: woken, process: own });
        this.add(section({ ...want, process: own, writes: [write, late], lost: woken + 1, leave: woken + 3 }), this.at);
        this.seq += 1;
        return;
      }
      case 'state-lost': {
        const id = `fault-${own}`;
        this.events.push({ type: 'fault', at: enter + 2, id, what: 'flush', stateLost: [this.name] });
        this.at = enter + 3;
        this.take({ kind: 'plain', process, waited: 1, work, gap, ahead });
        this.events.push({ type: 'healed', at: enter + 4, id });
        const late = { at: enter + 900, seq: this.seq, accepted: false };
        this.add(section({ ...want, process: own, writes: [write, late], leave: enter + 950 }), enter + 960 + gap);
        this.seq += 1;
        return;
      }
    }
  }

  private add(events: readonly HistoryEvent[], at: number): void {
    this.events.push(...events);
    this.at = Math.max(this.at, at);
  }
}

const KINDS = ['plain', 'renewed', 'paused', 'signalled', 'killed', 'busy', 'unavailable'] as const;

/** Histories without a fault in them: of two names, with at least one of every kind of step under the first. */
export const rightHistory: fc.Arbitrary<HistoryEvent[]> = fc
  .record({
    sure: fc.tuple(...KINDS.map((kind) => step(kind)), step('plain')),
    more: fc.array(step(...KINDS), { maxLength: 12 }),
    other: fc.array(step(...KINDS), { maxLength: 12 }),
  })
  .map(({ sure, more, other }) => story({}, play('a', [...sure, ...more]), play('b', other)));

/** Histories in which locks were lost by their servers, in a run that does not promise to outlive that. */
export const historyWithStateLost: fc.Arbitrary<HistoryEvent[]> = fc
  .array(step(...KINDS, 'state-lost'), { minLength: 1, maxLength: 12 })
  .map((steps) => story({ exclusion: 'until-state-lost' }, play('a', steps)));

/** A semaphore of `PERMITS`: in each line, one caller after another has some of them. At the end all of them are taken. */
export const rightPermits: fc.Arbitrary<HistoryEvent[]> = fc
  .record({
    sure: fc.tuple(...KINDS.map((kind) => step(kind)), step('plain')),
    lines: fc.array(fc.array(step(...KINDS), { maxLength: 12 }), { minLength: 3, maxLength: 3 }),
  })
  .map(({ sure, lines }) => {
    const played = lines.map((steps, index) => line(index, index === 0 ? [...sure, ...steps] : steps));
    const end = Math.max(...played.flat().map(({ at }) => at));
    return story({ permits: PERMITS }, ...played, full(end + 10_000));
  });

/** Steps under the name `a` that take a line's share of the permits. Several are inside, so no write is refused. */
function line(index: number, steps: readonly Step[]): HistoryEvent[] {
  const take = TAKES[index]!;
  return play('a', steps).map((event): HistoryEvent => {
    const own = ownOf(event, index);
    if (own.type === 'want') return { ...own, take };
    if (own.type === 'enter') return { ...own, token: own.token! + index * 1e6 };
    if (own.type !== 'write') return own;
    return { ...own, token: own.token! + index * 1e6, seq: own.seq + index * 1e6, accepted: true };
  });
}

/** With the callers of this line, and the processes that only it has. */
function ownOf(event: HistoryEvent, index: number): HistoryEvent {
  const renamed = { ...event } as { caller?: string; process?: string };
  if (renamed.caller !== undefined) renamed.caller = `l${index}-${renamed.caller}`;
  if (renamed.process?.startsWith('a') === true) renamed.process = `l${index}-${renamed.process}`;
  return renamed as HistoryEvent;
}

/** All permits are taken at `at`, some of them by a process that is killed. */
function full(at: number): HistoryEvent[] {
  const renewed = [{ at: at + 600, remaining: LEASE }];
  return [
    ...section({ caller: 'full-one', enter: at - 2, take: 1, token: 1e7, looks: renewed, leave: at + 1_100 }),
    ...section({ caller: 'full-several', enter: at - 1, take: 3, token: 2e7, looks: renewed, leave: at + 1_100 }),
    ...section({ caller: 'full-killed', process: 'gone', enter: at, take: 1, token: 3e7, remaining: LEASE }),
    { type: 'killed', at: at + 1, process: 'gone' },
  ];
}

function play(name: string, steps: readonly Step[]): HistoryEvent[] {
  const line = new Line(name);
  for (const each of steps) line.take(each);
  return line.events;
}
