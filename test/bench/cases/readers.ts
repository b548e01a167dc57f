import type { Bench } from '../bench.js';
import { playRounds, type Played, type PlayedRound } from '../driver/rounds.js';
import { againstSameTurn, type InTurn } from '../measures/by-turn.js';
import type { Measurement } from '../report/measurement.js';
import type { BenchCase } from './case.js';
import { measurer, resultOf } from './throughput.js';

const ID = 'readers';
const PROCESSES = 4;
/** Of each process. */
const CALLERS = 250;
const SECTION_MS = 20;
/** Long enough for all of them to have come back. */
const WINDOW_MS = 300;
/** A round has one section of each caller: far too few for V8 to compile what they run. So this comes first. */
const WARM_UP = { names: 1, callers: CALLERS, sectionMs: 1, durationMs: 500 };

/** Readers that share a lock. */
export const readers: BenchCase = {
  id: ID,
  title: '1,000 readers in 4 processes',
  measures:
    '250 callers in each of four processes read at once, each of them once, under one lock, in sections of 20 ms. `requestsInRound` are the ' +
    'requests of all of them. `speedOfNoLock` compares the time until the last one is done with that of the same sections without a lock.',
  modes: ['read'],
  takesPart: ({ processes }) => processes === 'many',
  async run(bench, entrants) {
    const once: Bench = { ...bench, options: { ...bench.options, rounds: 1 } };
    await playRounds(once, entrants, WARM_UP, { size: PROCESSES, count: false });
    const plan = { names: 1, callers: CALLERS, sectionMs: SECTION_MS, times: 1, durationMs: WINDOW_MS };
    const played = await playRounds(bench, entrants, plan, { size: PROCESSES, warmUpMs: WINDOW_MS });
    return resultOf(this, played, (each) => measure(each, played));
  },
};

function measure(played: Played, all: readonly Played[]): Measurement[] {
  const add = measurer(ID, { processes: PROCESSES, callers: CALLERS }, played);
  const { counted, rounds } = played;
  const without = all.filter(({ entrant }) => entrant.id === 'no-lock').map((each) => timesOf(each.rounds));
  return [
    ...add('lastReaderMs', 'ms', rounds.map(lastReaderMs)),
    ...add(
      'speedOfNoLock',
      '× without a lock',
      againstSameTurn(timesOf(rounds), without, (own, free) => free / own),
    ),
    ...add('requestsInRound', 'requests', counted === undefined ? [] : [counted.requestsInRound]),
    ...add(
      'cpuMsInRound',
      'ms',
      rounds.map(({ cpuMs }) => cpuMs),
    ),
  ];
}

function timesOf(rounds: readonly PlayedRound[]): InTurn[] {
  return rounds.map((round) => ({ turn: round.turn, value: lastReaderMs(round) }));
}

function lastReaderMs({ records, startedAt }: PlayedRound): number {
  return records.reduce((last, { returned }) => Math.max(last, returned), 0) - startedAt;
}
