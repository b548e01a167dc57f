import { playRounds, type Played, type PlayedRound } from '../driver/rounds.js';
import { fairnessIndex, sharesOf } from '../measures/shares.js';
import { unserved, waits } from '../measures/waits.js';
import type { Measurement } from '../report/measurement.js';
import { representatives } from './ahead.js';
import type { BenchCase } from './case.js';
import { CROWD_CALLERS, playCrowdOfFour } from './crowd.js';
import { joined, measurer, resultOf } from './throughput.js';

const ID = 'fairness';
const CALLERS_OF_ONE = 64;
const DRAIN_MS = 1_000;

/** Who waits how long when 64 callers want one lock. */
export const fairness: BenchCase = {
  id: ID,
  title: 'Fairness among 64 callers of one name',
  measures:
    '64 callers want one lock for sections of 1 ms, in one process and in four with 16 each (the rounds of the case "processes"). ' +
    "`fairnessIndex` is Jain's, 1 if every caller had as many sections; `longestWaitInMedians` is the longest wait of the round in median waits; the shares are those of the processes, 1 being an even share.",
  takesPart: ({ exclusive }) => exclusive,
  async run(bench, entrants) {
    const { quick, rounds } = bench.options;
    const durationMs = quick ? 150 : 250;
    const plan = { names: 1, callers: CALLERS_OF_ONE, sectionMs: 1, durationMs, drainMs: DRAIN_MS, record: true };
    const fewer = { ...bench, options: { ...bench.options, rounds: Math.min(quick ? 2 : 3, rounds) } };
    // Within one process the fastest pollers differ from the others in their load only.
    const taking = quick ? entrants.filter(({ kind }) => kind !== 'peer') : entrants;
    const some = representatives(bench, taking).filter(({ tunesWaiting }) => quick || tunesWaiting !== true);
    const one = await playRounds(fewer, some, plan, { count: false });
    const four = await playCrowdOfFour(
      bench,
      taking.filter(({ processes }) => processes === 'many'),
    );
    const results = [
      resultOf(this, one, (each) => measure(1, CALLERS_OF_ONE, each)),
      resultOf(this, four.filter(inMany), (each) => measure(4, CROWD_CALLERS, each)),
    ];
    return joined(results);
  },
};

function inMany({ entrant }: Played): boolean {
  return entrant.processes === 'many';
}

function measure(processes: number, callers: number, played: Played): Measurement[] {
  const add = measurer(ID, { processes, callers }, played);
  const { rounds } = played;
  const found = rounds.map(({ records }) => waits(records));
  const shares = rounds.map(({ records }) => sharesOf(records, processes));
  const each = (values: (number | undefined)[]): number[] => values.map((value) => value ?? Number.NaN);
  return [
    ...add('fairnessIndex', '1 = even', each(rounds.map((round) => index(round, processes, callers)))),
    ...add('longestWaitInMedians', '× median', each(found.map((wait) => wait?.longestInMedians))),
    ...add('longestWaitMs', 'ms', each(found.map((wait) => wait?.longestMs))),
    ...add('medianWaitMs', 'ms', each(found.map((wait) => wait?.medianMs))),
    ...add(
      'unservedCallers',
      'callers',
      rounds.map(({ records, endedAt }) => {
        const inTime = records.filter(({ entered }) => entered <= endedAt);
        return unserved(inTime, processes, callers).length;
      }),
    ),
    ...(processes === 1 ? [] : add('smallestShare', 'even shares', each(shares.map((share) => share?.smallest)))),
    ...(processes === 1 ? [] : add('largestShare', 'even shares', each(shares.map((share) => share?.largest)))),
  ];
}

function index({ records, endedAt }: PlayedRound, processes: number, callers: number): number | undefined {
  // What is served after the window is over in no time, and tells nothing of whose turn it is.
  const inTime = records.filter(({ entered }) => entered <= endedAt);
  return fairnessIndex(inTime, processes, callers) ?? undefined;
}
